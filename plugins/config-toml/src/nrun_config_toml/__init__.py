"""Writes configurations down as TOML and reads them."""
