"""Functions that make things become functions that describe how to make them."""
