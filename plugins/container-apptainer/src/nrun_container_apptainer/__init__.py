"""Runs jobs in images with Apptainer or Singularity."""
