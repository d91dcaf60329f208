"""What makes a release: versions that agree, files that install. `./dev release` runs `__main__`."""
