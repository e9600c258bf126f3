"""Profiles the processes of a job with Nsight Systems."""
