"""What jobs of a cluster leave on purpose is in the record of whoever launched them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nrun import Experiment, Partial, Script, State
from nrun_packager_pattern.packager import PatternPackager
from nrun_transport_ssh import SSHTunnel

WORK = """
mkdir -p checkpoints/deep
head -c 20000000 /dev/urandom >checkpoints/1.pt
echo two >checkpoints/deep/2.pt
ln -s 1.pt checkpoints/latest.pt
ln -s nowhere checkpoints/broken.pt
echo no >note.txt
sha256sum <checkpoints/1.pt
"""


@pytest.fixture(params=["login node", "ssh"])
def executor(request, cluster, slurm, tmp_path):
    if request.param == "login node":
        return cluster()
    server = request.getfixturevalue("new_sshd")(env=slurm.env)
    return cluster(tunnel=SSHTunnel(host=server.host, config=str(server.config), job_dir=str(tmp_path / "cluster")))


def test_a_checkpoint_comes_whole_and_nothing_else_does(executor, tmp_path):
    (tmp_path / "code.py").write_text("def f(): ...")
    shipping = executor.clone(packager=PatternPackager(include_pattern="*.py", relative_path=str(tmp_path)))
    with Experiment("train") as exp:
        exp.add(Script(inline=WORK), shipping, "train", outputs=["checkpoints/*.pt", "checkpoints/deep", "*.log"])
        exp.add(Script(inline="echo half >half.pt; exit 3"), executor, "bad", outputs=["half.pt"])
        exp.add(Partial("os:getcwd"), executor, "none", outputs=["nothing"])
        exp.run(check=False)
    assert exp.status().jobs["bad"].state is State.FAILED
    left = exp.artifacts()
    assert sorted(one.path for one in left["train"]) == [
        *("checkpoints/1.pt", "checkpoints/deep/2.pt", "checkpoints/latest.pt")
    ]
    digest = exp.logs("train", stream="out").split()[0]
    for one in left["train"]:
        assert hashlib.sha256(one.file.read_bytes()).hexdigest() == one.sha256
        assert (one.sha256 == digest) == (one.path != "checkpoints/deep/2.pt")
    assert [(one.path, one.file.read_text()) for one in left["bad"]] == [("half.pt", "half\n")]
    assert left["none"] == []
    for attempt in Path("home").glob("experiments/train/*/jobs/*/attempt-1"):
        assert not {"code", "outputs.part", "secrets.kept"} & {one.name for one in attempt.iterdir()}
    assert not list((tmp_path / "cluster").glob("experiments/*/jobs/*/attempt-1/outputs.part"))


def test_what_nobody_was_there_to_fetch_is_fetched_later(cluster, slurm):
    exp = Experiment("left")
    exp.add(Script(inline="echo x >x.pt", entrypoint="sh"), cluster(), "job", outputs=["x.pt"])
    exp.run(detach=True)
    exp.attach()
    (attempt,) = Path("home").glob("experiments/left/*/jobs/job/attempt-1")
    assert [one.file.read_text() for one in exp.artifacts()["job"]] == ["x\n"]
    (attempt / "artifacts.json").unlink()  # as if that had been cut short
    exp.resume()
    assert [one.path for one in exp.artifacts()["job"]] == ["x.pt"]
