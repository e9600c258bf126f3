"""`nrun host check` says what works on a host, and what to do about the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from services.sshd import keygen

NRUN = str(Path(sys.executable).with_name("nrun"))


@pytest.fixture
def check(tmp_path):
    """Findings by their subject, and the exit code."""

    def check(name, *options):
        words = [NRUN, "host", "check", name, "--job-dir", str(tmp_path / "jobs"), *options, "--json"]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        assert done.stdout, done.stderr
        told = json.loads(done.stdout)
        assert told["ok"] == (done.returncode == 0)
        return {finding["subject"]: finding for finding in told["findings"]}, done.returncode

    return check


EVERYTHING = ["reach", "host key", "login", "shell", "tools", "python3", "job_dir", "clock"]


def bad(findings):
    return [subject for subject, finding in findings.items() if not finding["ok"]]


@pytest.mark.parametrize("via", ["asyncssh", "openssh"])
def test_a_host_where_all_is_well(sshd, check, via, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ControlPath {sshd.folder}/c\n\n{sshd.config.read_text()}")
    findings, code = check(sshd.host, "--config", str(config), "--via", via)
    subprocess.run(["ssh", "-F", config, "-O", "exit", sshd.host], capture_output=True, timeout=10, check=False)
    assert (list(findings), bad(findings), code) == (EVERYTHING, [], 0)
    assert "GiB free" in findings["job_dir"]["message"]
    assert list((tmp_path / "jobs").iterdir()) == []


def test_this_machine(check):
    findings, code = check("localhost")
    assert (list(findings), bad(findings), code) == (EVERYTHING, [], 0)


def test_what_is_not_there_is_told_with_what_to_do(new_sshd, check, tmp_path):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in ("sh", "bash", "uname", "date", "mkdir", "cat", "rm", "df", "tail", "grep", "head"):
        (bin_folder / tool).symlink_to(shutil.which(tool))
    server = new_sshd()
    settings = server.folder / "sshd_config"
    settings.write_text(
        settings.read_text().replace(f'"PATH={os.environ["PATH"]}:/usr/sbin:/sbin"', f"PATH={bin_folder}")
    )
    server.stop()
    server.start()
    (tmp_path / "jobs").write_text("a file")
    findings, code = check(server.host, "--config", str(server.config))
    assert (bad(findings), code) == (["tools", "python3", "job_dir"], 1)
    assert "Python 3.8" in findings["python3"]["remedy"]
    assert str(tmp_path / "jobs") in findings["job_dir"]["remedy"]


def test_the_first_obstacle_on_the_way_is_the_last_finding(new_sshd, check):
    server = new_sshd()
    server.known_hosts.write_text("")
    findings, _ = check(server.host, "--config", str(server.config))
    assert (list(findings), bad(findings)) == (["reach", "host key"], ["host key"])
    assert "fingerprint" in findings["host key"]["remedy"]

    server.trust()
    keygen(server.identity)
    findings, _ = check(server.host, "--config", str(server.config))
    assert (list(findings), bad(findings)) == (["reach", "host key", "login"], ["login"])

    server.stop()
    findings, code = check(server.host, "--config", str(server.config))
    assert (list(findings), bad(findings), code) == (["reach"], ["reach"], 1)


def test_the_text_form_and_the_transport_that_is_not_installed(sshd, tmp_path):
    words = [NRUN, "host", "check", sshd.host, "--config", str(sshd.config), "--job-dir", str(tmp_path / "jobs")]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("ok   reach: nrun-test")
    done = subprocess.run([*words, "--transport", "pigeon"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "pip install nrun-transport-pigeon" in done.stderr
