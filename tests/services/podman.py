"""Podman with a store of its own, and an image that has nothing: the programs of this machine are mounted into it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

PROGRAMS = {"podman": "podman", "runc": "runc", "catatonit": "catatonit"}
IMAGE = "localhost/nrun-test:latest"
MOUNTS = ("/usr:/usr:ro",)
FOLDERS = ("usr", "proc", "sys", "dev", "tmp", "etc", "run", "root", "var")
TIMEOUT_S = 60


def set_up(folder: Path) -> dict[str, str]:
    """The variables by which Podman works in `folder`, where it now has the image. Raises OSError, SubprocessError."""
    # Where cgroups are mixed and limits cannot be raised, as in CI, its own defaults do not start anything.
    (folder / "containers.conf").write_text(
        "[containers]\n"
        'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        "[engine]\n"
        'runtime = "runc"\n'
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
    )
    env = {"CONTAINERS_CONF": f"{folder}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf"}
    podman("import", "--quiet", "-", IMAGE, env=env, data=_image())
    podman("run", "--rm", "--network=host", "--volume", MOUNTS[0], IMAGE, "true", env=env)
    return env


def clear(folder: Path) -> None:
    """End the containers of the store in `folder`, unmount what they left, and remove it."""
    env = {"CONTAINERS_CONF": f"{folder}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf"}
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        podman("rm", "--all", "--force", "--time", "0", env=env)
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((one for one in mounted if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", place], capture_output=True, timeout=TIMEOUT_S, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def podman(*words: str, env: dict[str, str], data: bytes | None = None) -> str:
    """What Podman says. Raises CalledProcessError."""
    return subprocess.run(
        ["podman", *words], env={**os.environ, **env}, input=data, capture_output=True, timeout=TIMEOUT_S, check=True
    ).stdout.decode()


def _image() -> bytes:
    """A tree of empty folders, with the links that lead into `/usr`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in FOLDERS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name in ("bin", "lib", "lib64", "sbin"):
            if Path("/", name).is_symlink():
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
                tar.addfile(entry)
    return buffer.getvalue()
