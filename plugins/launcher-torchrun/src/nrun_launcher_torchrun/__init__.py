"""Starts the processes of a job under torchrun."""
