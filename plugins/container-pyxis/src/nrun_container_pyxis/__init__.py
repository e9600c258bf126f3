"""Runs jobs in images with Pyxis, a plugin of Slurm."""
