"""Ten thousand agents in virtual time: when they come, and whether the server's history is what ran."""
