"""What can be typed after an entrypoint: typed overrides of its configuration."""
