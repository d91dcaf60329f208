"""One report: from what the sources say to a record, and from the server's answer to a result."""
