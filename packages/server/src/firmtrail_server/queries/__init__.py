"""The statements, one function each: the connection first, the project second."""
