"""Nodes for a person: what srun and salloc are told, and what they do on a real cluster."""

from __future__ import annotations

import subprocess

import pytest

from nrun import SSHTunnel, UsageError
from nrun_container_apptainer.container import ApptainerContainer
from nrun_executor_slurm import SlurmExecutor
from nrun_executor_slurm.interactive import salloc_words, srun_words

TELL = 'echo "$SLURM_JOB_PARTITION $SLURM_NNODES $GREETING"; [ "$SLURM_PROCID" -ne 1 ] || exit 3'


@pytest.fixture(params=["login node", "asyncssh", "openssh"])
def executor(request, cluster, slurm, tmp_path):
    given = {"nodes": 2, "partition": "high", "env_vars": {"GREETING": "it's $HOME"}}
    if request.param == "login node":
        yield cluster(**given)
        return
    server = request.getfixturevalue("new_sshd")(env=slurm.env)
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ControlPath {server.folder}/c\n\n{server.config.read_text()}")
    yield cluster(tunnel=SSHTunnel(host=server.host, config=str(config), job_dir="~/n", via=request.param), **given)
    subprocess.run(["ssh", "-F", config, "-O", "exit", server.host], capture_output=True, timeout=10, check=False)


def test_a_command_runs_on_nodes_now_and_its_exit_code_is_told(executor, capfd):
    assert executor.srun(TELL) == 3
    assert capfd.readouterr().out == "high 2 it's $HOME\n" * 2
    assert executor.srun(["echo", "$HOME", "a  b"], nodes="1") == 0
    assert capfd.readouterr().out == "$HOME a  b\n"


def test_nodes_are_there_for_as_long_as_a_command_runs(executor, slurm, capfd):
    assert executor.alloc(["sh", "-c", 'echo "$SLURM_JOB_NODELIST"; squeue -h -o %j; exit 4'], job_name="mine") == 4
    assert capfd.readouterr().out.splitlines()[1:] == ["mine"]
    slurm.wait_idle()


def test_what_srun_and_salloc_are_told():
    executor = SlurmExecutor(
        account="lab",
        partition=["a", "b"],
        gpus_per_node=4,
        exclusive=True,
        setup_lines="module load cuda",
        additional_parameters={"time": None, "qos": "high", "open_mode": "truncate"},
        srun_args=["-l"],
    )
    options = [
        *("--account=lab", "--partition=a,b", "--qos=high", "--nodes=1", "--ntasks-per-node=1", "--gpus-per-node=4"),
        "--exclusive",
    ]
    setup = ["sh", "-c", 'module load cuda\nexec "$@"', "sh"]
    assert srun_words(executor, "hostname", {}) == [*setup, "srun", *options, "-l", "sh", "-c", "hostname"]
    assert salloc_words(executor, [], {"immediate": True}) == [*setup, "salloc", *options, "--immediate"]


def test_a_command_runs_in_the_image_of_the_executor():
    images = SlurmExecutor(container_image="a.sqsh", tunnel=SSHTunnel(host="h", job_dir="/jobs"))
    assert srun_words(images, ["bash"], {"pty": True})[-5:] == [
        *("--pty", "--container-image=a.sqsh", "--container-mounts=/jobs:/jobs", "--no-container-entrypoint", "bash")
    ]
    wrapped = srun_words(images.clone(container=ApptainerContainer(image="a.sif", env={"A": "b"})), ["bash"], {})
    assert wrapped[:3] == ["env", "--", "APPTAINERENV_A=b"]
    assert wrapped[-8:] == ["apptainer", "exec", "--bind", "/jobs:/jobs", "--pwd", "/jobs", "a.sif", "bash"]


def test_without_slurm_here_it_is_said_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no srun on this machine"):
        SlurmExecutor().srun("hostname")
