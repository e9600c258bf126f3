"""`GitArchivePackager`: ships the working tree of a git repository, or a commit."""
