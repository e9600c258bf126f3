"""Conformance suites and an in-memory backend for authors of nrun plugins."""
