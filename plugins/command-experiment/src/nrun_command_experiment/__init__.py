"""The `nrun experiment` commands: list, status, logs, cancel."""
