"""Starts the processes of a job under a launcher that notices when they hang."""
