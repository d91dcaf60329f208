"""What outlasts a restart: the spool, what was reported last, the identity by enrollment."""
