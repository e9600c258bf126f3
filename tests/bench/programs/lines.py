"""Prints a million lines of 100 bytes, a tenth of them at a time, as a busy training script does."""

import sys

COUNT = 1_000_000
for begin in range(0, COUNT, COUNT // 10):
    sys.stdout.write("".join(f"{number:08d} {'x' * 90}\n" for number in range(begin, begin + COUNT // 10)))
    sys.stdout.flush()
