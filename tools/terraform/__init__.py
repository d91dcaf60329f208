"""Checks of deploy/terraform that need neither Terraform nor an account: `./dev terraform`."""
