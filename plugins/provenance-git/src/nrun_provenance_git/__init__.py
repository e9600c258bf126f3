"""Notes the git commit and patch that an experiment was launched from."""
