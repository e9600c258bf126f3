"""Environments of their own for what is measured: installed as users install it, with compiled bytecode."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
PEERS = {"nemo_run": ("nemo_run==0.11.1", "leptonai==0.27.3"), "submitit": ("submitit",)}


def install(env: Path, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment that has `requirements`, made unless it is there."""
    python = env / "bin/python"
    if not python.exists():
        _uv("venv", "--quiet", env)
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--no-sources", "--python", python, *requirements)
    return python


def install_nrun(env: Path) -> Path:
    """The default install of this tree: what the distribution `nrun` depends on, and no more."""
    plugins = [str(folder) for folder in sorted((ROOT / "plugins").iterdir()) if folder.name != "observer-rich"]
    return install(env, [str(ROOT / "kernel"), *plugins])


def install_memory_executor(target: Path, python: Path) -> Path:
    """A folder for PYTHONPATH that adds the in-memory executor, so that no other row pays for the plugin."""
    _uv(
        "pip",
        "install",
        "--quiet",
        "--compile-bytecode",
        "--no-deps",
        "--python",
        python,
        "--target",
        target,
        ROOT / "contrib/testing",
    )
    return target


def clean(home: Path) -> dict[str, str]:
    """An environment for processes in which nothing that this shell has set changes what is measured."""
    odd = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in odd and not name.startswith("NRUN_")}
    return kept | {"NRUN_HOME": str(home), "NEMORUN_HOME": str(home / "nemo")}


def _uv(*args: str | Path) -> None:
    subprocess.run(["uv", *map(str, args)], check=True)
