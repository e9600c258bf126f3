"""The `nrun host` commands: check."""
