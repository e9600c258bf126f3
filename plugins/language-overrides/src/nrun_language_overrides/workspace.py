"""Files of Python that register factories for the runs of a place. None is run unless it is named."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from nrun.errors import UsageError


def load_workspace(file: str) -> None:
    """Run a file as the module that its name says. Raises UsageError if that cannot be; what it raises is passed on."""
    path = Path(file).absolute()
    spec = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageError(f"--workspace {file}: there is no such file of Python")
    if path.stem in sys.modules:
        msg = f"--workspace {file}: there is a module {path.stem!r} already"
        raise UsageError(msg, hint="give the file another name")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent))
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
