"""Secrets from environment variables of the process that submits."""
