"""What charts are made of: places and shapes, worked out from the API's answers. No I/O; templates draw them."""
