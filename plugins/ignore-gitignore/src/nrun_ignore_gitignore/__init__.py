"""What stays behind when code is shipped: `.nrunignore` over `.gitignore`."""
