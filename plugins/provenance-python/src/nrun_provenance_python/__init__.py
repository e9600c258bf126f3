"""Notes the interpreter, and every package with its version, that an experiment was launched with."""
