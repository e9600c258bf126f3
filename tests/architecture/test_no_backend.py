"""The kernel contains no backend: not even the name of one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[2] / "kernel" / "src"
BACKENDS = {"slurm", "sbatch", "docker", "podman", "git", "torchrun", "kubernetes", "ssh", "sky", "skypilot"}


def words(text: str) -> set[str]:
    """The words of a text in lower case; identifiers are taken apart, so `DockerExecutor` has `docker`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DockerExecutor", {"docker"}),
        ("run_git_archive", {"git"}),
        ("over SSH", {"ssh"}),
        ("SSHTunnel", {"ssh"}),
        ("isdigit, skyline, legit", set()),
    ],
)
def test_names_of_backends_are_recognised_as_whole_words(text, found):
    assert words(text) & BACKENDS == found


@pytest.mark.parametrize("path", sorted(KERNEL.rglob("*.py")), ids=lambda path: str(path.relative_to(KERNEL)))
def test_no_backend_is_named_in_the_kernel(path):
    assert not words(path.read_text("utf-8")) & BACKENDS
