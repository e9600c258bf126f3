"""Writes configurations down as JSON and reads them."""
