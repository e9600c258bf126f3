"""Keeping experiments: `nrun note` and `nrun tag`, `nrun experiment archive`, `restore` and `gc`."""
