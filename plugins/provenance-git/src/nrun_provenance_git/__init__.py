"""Notes the git commit, branch, remote and patch that an experiment was launched from."""
