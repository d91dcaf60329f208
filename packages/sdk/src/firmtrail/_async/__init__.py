"""The clients, written here as async and generated from here as sync."""
