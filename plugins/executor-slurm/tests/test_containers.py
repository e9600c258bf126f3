"""Jobs of a real cluster in a real container."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from services.podman import IMAGE, MOUNTS

from nrun import Experiment, Partial, Script, Secret, State
from nrun_container_podman.container import PodmanContainer

PYTHON = "/usr/bin/python3"


@pytest.fixture
def image(podman):
    mounts = [*MOUNTS] if Path(PYTHON).exists() else [*MOUNTS, sys.prefix]
    return PodmanContainer(image=IMAGE, mounts=mounts, env={"INSIDE": "a,b c"}, python=PYTHON)


def test_scripts_functions_and_ranks_run_in_a_container(cluster, podman, image, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "not to be shown")
    look = 'tr "\\0" " " </proc/1/cmdline | cut -d" " -f1; echo "$PWD" "$INSIDE" "$OUTSIDE" "${#TOKEN}"; exit 7'
    token = {"TOKEN": Secret("env:TOKEN")}
    one = cluster(container=image, mem="500", env_vars={"OUTSIDE": "it's"})
    exp = Experiment("contained")
    exp.add(Script(inline=look, entrypoint="sh", env=token), one, "script")
    exp.add(Script(inline="echo $RANK $NRUN_NODE_RANK", entrypoint="sh"), one.clone(nodes=2), "ranks")
    if Path(PYTHON).exists():
        exp.add(Partial("os:getenv", "RANK"), one.clone(nodes=2), "function")
    tell = Script(inline="grep -c podman-init /proc/1/cmdline; :", entrypoint="sh")
    exp.add([tell, tell], cluster(task_containers=[image, None], mem="500"), "group")
    exp.run(check=False)
    states = {name: (job.state, job.exit_code) for name, job in exp.status().jobs.items()}
    assert states.pop("script") == (State.FAILED, 7)
    assert set(states.values()) == {(State.SUCCEEDED, 0)}
    assert exp.logs("script", stream="out") == f"/run/podman-init\n{tmp_path} a,b c it's 15\n"
    assert sorted(exp.logs("ranks", stream="out").splitlines()) == ["0 0", "1 1"]
    assert sorted(exp.logs("group", stream="out").splitlines()) == ["0", "1"]
    assert exp.results() in ({}, {"function": "0"})
    assert json.loads(podman("ps", "--all", "--format=json")) == []
