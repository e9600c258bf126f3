"""The part `packaging`: 20,000 files of 200 MB in a repository, packed, packed again, sent.

What is measured goes on inside one process for each step, as in a launch; git starts its own processes, which count on both sides.
"""
