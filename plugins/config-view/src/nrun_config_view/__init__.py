"""See, compare and explain configurations."""
