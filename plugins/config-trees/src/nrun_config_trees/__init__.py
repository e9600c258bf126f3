"""Edits of whole trees of configurations."""
