"""Example collections for API clients, made from openapi.json: `./dev clients`."""
