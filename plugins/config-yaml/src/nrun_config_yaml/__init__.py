"""Writes configurations down as YAML and reads them."""
