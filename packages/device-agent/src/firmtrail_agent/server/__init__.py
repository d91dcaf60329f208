"""The way to the server: TLS, client, upload of the spool, enrollment, and what each failure means."""
