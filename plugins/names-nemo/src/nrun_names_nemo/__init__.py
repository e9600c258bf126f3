"""Names that users of NeMo Run know."""
