"""Benchmarks, each a module that `./dev bench NAME` runs, and the peers they are measured against. See README.md."""
