"""The server as a process: its command line, sockets, signals, workers, and what runs beside requests."""
