"""`nrun package`: see what code would travel, and have back what did."""
