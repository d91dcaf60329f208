"""What built-in sources share: bounded reading of files, programs, JSON, key files, packages."""
