"""What takes several queries, or something outside the database: mail, keys, registration, deletion, readiness."""
