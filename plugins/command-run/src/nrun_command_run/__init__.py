"""The `nrun run` command: run a script that builds experiments, or a function."""
