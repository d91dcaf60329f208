"""The clients, generated from the async ones."""
