"""`HybridPackager`: ships what several packagers select."""
