"""The `nrun plugins` commands: list, info, doctor."""
