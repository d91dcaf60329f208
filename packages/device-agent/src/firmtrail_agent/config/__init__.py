"""What people have decided: configuration files, variables, options, and the API key."""
