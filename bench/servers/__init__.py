"""Servers that exist only to be measured."""
