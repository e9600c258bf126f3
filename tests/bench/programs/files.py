"""Makes a repository: `python files.py FOLDER COUNT BYTES`. Half of each file is words, half cannot be compressed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

FOLDERS, SUBFOLDERS = 20, 50


def main() -> None:
    folder, count, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(5)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(5000)]
    for number in range(count):
        below = folder / f"d{number % FOLDERS:02}" / f"e{number // FOLDERS % SUBFOLDERS:02}"
        below.mkdir(parents=True, exist_ok=True)
        text = b" ".join(rng.choices(words, k=size // 14))
        (below / f"f{number:06}.py").write_bytes(text + rng.randbytes(max(0, size - len(text))))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run(
            ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *command], cwd=folder, check=True
        )


if __name__ == "__main__":
    main()
