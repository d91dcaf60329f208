"""What `doctor` looks at, and what mends each fault."""
