"""The endpoints: what each one does, in its own words."""
