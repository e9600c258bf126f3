"""Gathers outputs of a job beside its code: `python3 gather.py FOLDER SOURCE PATTERN...`, and tells what there is.

What the patterns name below SOURCE, which is seen from FOLDER, is linked into `outputs.part` there, or copied where it
cannot be linked. So it is fetched as it is now, and what a link leads to in place of the link. Runs on Python 3.8+.
"""

import json
import os
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = Path(sys.argv[1]).expanduser()
    source, kept = folder / sys.argv[2], folder / "outputs.part"
    shutil.rmtree(kept, ignore_errors=True)
    sizes = {}
    for pattern in sys.argv[3:]:
        for match in sorted(source.glob(pattern)):
            for file in sorted(match.rglob("*")) if match.is_dir() else [match]:
                name = str(file.relative_to(source))
                if not file.is_file() or name in sizes:
                    continue
                target = kept / name
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(str(file.resolve()), str(target))
                except OSError:
                    shutil.copy2(str(file), str(target))
                sizes[name] = target.stat().st_size
    sys.stdout.write(json.dumps(sizes))
