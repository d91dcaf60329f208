"""Who may do what, and the secrets that prove who asks: permissions, hashes, tokens, throttles. No queries."""
