"""Lays out code from the store beside it: `python3 lay_out.py ROOT`; each line of the input is a folder and a bundle.

Runs on the host, on Python 3.8 and later, with `store.py` of nrun's kernel in the same folder.
"""

import os
import shutil
import sys

if __name__ == "__main__":
    from store import Store  # type: ignore[import-not-found]  # on the host it lies beside this file

    os.chdir(os.path.expanduser(sys.argv[1]))
    for line in sys.stdin:
        folder, bundle = line.rstrip("\n").split("\t")
        code = os.path.join(folder, "code")
        shutil.rmtree(code, ignore_errors=True)
        Store("bundles").lay_out(bundle, code)
