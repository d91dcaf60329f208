"""Generates the reference of the API from its routes: openapi.json for programs, docs.html for people."""
