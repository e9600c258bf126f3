"""Runs jobs in images with Podman."""
