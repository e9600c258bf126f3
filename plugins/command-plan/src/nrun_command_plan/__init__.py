"""The `nrun plan` command: print exactly what would be submitted."""
