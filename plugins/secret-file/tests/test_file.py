"""Files as secrets: only those that nobody else can read."""

from __future__ import annotations

import os

import pytest

from nrun import UsageError
from nrun_secret_file.resolver import MOST_BYTES, resolve


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_bytes(b"canary-7f3a\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"x\n", "x"),
        (b"x", "x"),
        (b"x\r\n", "x"),
        (b" x \n\n", " x \n"),
        (b"two\nlines\n", "two\nlines"),
        (b"\xff\n", "\udcff"),
    ],
)
def test_the_content_but_for_the_end_of_the_last_line(file, content, value):
    file.write_bytes(content)
    assert resolve(str(file)) == value


def test_the_home_folder_is_a_tilde(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    assert resolve("~/token") == "canary-7f3a"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(UsageError, match=f"its mode is {mode:o}") as error:
        resolve(str(file))
    assert f"chmod 600 {file}" in error.value.hint
    assert "canary" not in str(error.value)


def test_what_cannot_be_used_says_what_to_do(file):
    with pytest.raises(UsageError, match="absolute"):
        resolve("token")
    with pytest.raises(UsageError, match="No such file"):
        resolve(f"{file}.not")
    with pytest.raises(UsageError, match="is no file"):
        resolve(str(file.parent))
    fifo = file.with_name("fifo")
    os.mkfifo(fifo, 0o600)
    with pytest.raises(UsageError, match="is no file"):
        resolve(str(fifo))
    file.write_bytes(b"\n")
    with pytest.raises(UsageError, match="is empty"):
        resolve(str(file))
    file.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(UsageError, match="more than"):
        resolve(str(file))
