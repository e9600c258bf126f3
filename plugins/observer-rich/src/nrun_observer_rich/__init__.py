"""A live view of running experiments in the terminal."""
