"""Installs what a service needs where that can be done: on Debian, as root. No service of the system is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from services.processes import SYSTEM_PATH, ServiceError

POLICY = Path("/usr/sbin/policy-rc.d")
OPTIONS = [
    *("--yes", "--quiet", "--no-install-recommends", "--option=DPkg::Lock::Timeout=100"),
    *("--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold"),
]


def program(name: str) -> str | None:
    """Where a program lies, also one for administrators."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def lacking(programs: dict[str, str]) -> str | None:
    """Why `programs` (program -> package that has it) are not here and cannot be had; None if they are, or now are."""
    missing = {name: package for name, package in programs.items() if not program(name)}
    if not missing:
        return None
    names = ", ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"there is no {names} here, and only root on Debian can install it"
    try:
        _install(sorted(set(missing.values())))
    except (ServiceError, subprocess.TimeoutExpired) as error:
        return f"there is no {names} here, and it could not be installed: {error}"
    return None


def _install(packages: list[str]) -> None:
    own_policy = not POLICY.exists()
    if own_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        if _apt("install", *OPTIONS, *packages):
            _apt("update", "--quiet")
            told = _apt("install", *OPTIONS, *packages)
            if told:
                raise ServiceError(told[-500:])
    finally:
        if own_policy:
            POLICY.unlink()


def _apt(*words: str) -> str:
    """What apt-get says when it fails; nothing if all is well."""
    done = subprocess.run(
        ["apt-get", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )
    return done.stdout + done.stderr if done.returncode else ""
