"""`PatternPackager`: ships the files that patterns name."""
