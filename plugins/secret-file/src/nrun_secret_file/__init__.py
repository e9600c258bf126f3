"""Secrets from files that only their owner can read."""
