"""The `nrun package` commands: what code would travel, what did, and how to have it back."""
