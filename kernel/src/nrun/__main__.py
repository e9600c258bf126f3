"""`python -m nrun` is the `nrun` command."""

from __future__ import annotations

from nrun.cli.root import main

if __name__ == "__main__":
    main()
