"""What Podman is told, and what it then does: where there is one, jobs run in a real container."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from services.podman import IMAGE, MOUNTS

import nrun as run
from nrun import ConfigError, Launcher, Partial, Script, State
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of

FOLDER = '"$NRUN_JOB_DIR/../../.."'
PASSED = (
    "--env 'NRUN_*' --env 'SLURM_*' --env 'MASTER_*' --env 'PMI*' --env CUDA_VISIBLE_DEVICES --env RANK "
    "--env LOCAL_RANK --env NODE_RANK --env WORLD_SIZE --env LOCAL_WORLD_SIZE "
)


def files_for(*tasks, executor) -> dict[str, str]:
    job = Job(name="train", tasks=tasks, executors=(executor,))
    here = Surroundings(cwd="/work", path=(), main=None)
    return launch_files(launch_of(job, Plan(title="t", jobs=(job,), surroundings=here)))


def started(task, container, **options) -> str:
    """The command of `launch.sh`."""
    script = files_for(task, executor=run.LocalExecutor(container=container, **options))["launch.sh"]
    return script.partition("    exec podman ")[2].partition("\n)\n")[0]


def test_a_script_is_started_in_the_image():
    assert started(Script("train.sh", args=["a b"]), run.PodmanContainer(image="alpine:3")) == (
        f"run --rm --network=host --ipc=host --init --entrypoint= --volume {FOLDER}:{FOLDER} --volume /work:/work "
        f"{PASSED}--workdir /work alpine:3 bash train.sh 'a b'"
    )


def test_a_function_is_run_by_the_python_of_the_image():
    container = run.PodmanContainer(image="alpine:3", python="/opt/python")
    assert started(Partial("m:f"), container).endswith(
        'alpine:3 /opt/python "$NRUN_JOB_DIR/../../../worker.py" "$NRUN_JOB_DIR"/task.json'
    )


def test_every_option_can_be_set():
    container = run.PodmanContainer(
        image="alpine:3",
        mounts=["/data", "/in:/inside:ro,z", "/work/"],
        workdir="/inside",
        env={"A": "it's"},
        devices=["nvidia.com/gpu=all"],
        network="none",
        ipc="private",
        init=False,
        entrypoint=True,
        pass_env=["X_*"],
        global_options=["--root", "/scratch"],
        options=["--userns=keep-id"],
    )
    task = Script("t.sh", env={"TOKEN": run.Secret("env:TOKEN"), "B": "2"})
    assert started(task, container, env_vars={"C": "3"}) == (
        f"--root /scratch run --rm --network=none --ipc=private --volume {FOLDER}:{FOLDER} --volume /data:/data "
        "--volume /in:/inside:ro,z --volume /work/:/work/ --device nvidia.com/gpu=all "
        "--env 'X_*' --env 'A=it'\"'\"'s' --env C --env B --env TOKEN --workdir /inside --userns=keep-id "
        "alpine:3 bash t.sh"
    )


def test_what_a_launcher_made_is_started_in_the_image():
    class Nice(Launcher):
        def wrap(self, command, executor):
            import attrs

            return attrs.evolve(command, argv=("nice", executor.interpreter(), *command.argv))

    container = run.PodmanContainer(image="alpine:3")
    assert started(Script("t.sh"), container, launcher=Nice()).endswith(" alpine:3 nice python3 bash t.sh")


def test_tasks_of_a_group_see_the_folder_of_the_experiment():
    container = run.PodmanContainer(image="alpine:3")
    files = files_for(Script("a.sh"), Script("b.sh"), executor=run.LocalExecutor(container=container))
    assert '--volume "$NRUN_JOB_DIR/../../../..":"$NRUN_JOB_DIR/../../../.."' in files["task-1/launch.sh"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"mounts": "/data"}, "mounts must be a list"), ({"mounts": ["data:/data"]}, "mounts must be a list")],
)
def test_mounts_that_are_none_are_refused(wrong, told):
    with pytest.raises(ConfigError, match=told):
        run.PodmanContainer(image="alpine:3", **wrong)


def test_a_container_is_an_object():
    with pytest.raises(ConfigError, match="container"):
        run.LocalExecutor(container="podman")


# ---- for real


@pytest.fixture
def executor(podman, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    container = run.PodmanContainer(image=IMAGE, mounts=MOUNTS, env={"INSIDE": "a,b c"}, python="/usr/bin/python3")
    return run.LocalExecutor(container=container, env_vars={"OUTSIDE": "it's"})


def test_scripts_functions_and_groups_run_in_a_container(executor, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "not to be shown")
    look = 'pwd; echo "$OUTSIDE" "$INSIDE" "${#TOKEN}"; tr "\\0" " " </proc/1/cmdline | cut -d" " -f1; touch made'
    token = {"TOKEN": run.Secret("env:TOKEN")}
    with run.Experiment("contained") as exp:
        exp.add(Script(inline=look, entrypoint="sh", env=token), executor=executor, name="script")
        exp.add(Script(inline="exit 7", entrypoint="sh"), executor=executor, name="failing")
        exp.add([Script(inline="echo a"), Script(inline="echo b")], executor=executor, name="group")
        if Path("/usr/bin/python3").exists():
            exp.add(Partial("os:getcwd"), executor=executor, name="function")
        with pytest.raises(run.JobsFailed):
            exp.run()
    assert exp.logs("script", stream="out") == f"{tmp_path}\nit's a,b c 15\n/run/podman-init\n"
    assert (tmp_path / "made").exists()
    assert exp.logs("group", stream="out") == "a\nb\n"
    assert exp.results() in ({}, {"function": str(tmp_path)})
    states = {name: (job.state, job.exit_code) for name, job in exp.status().jobs.items()}
    assert states.pop("failing") == (State.FAILED, 7)
    assert set(states.values()) == {(State.SUCCEEDED, 0)}


def test_a_job_that_is_stopped_leaves_no_container(executor, podman, tmp_path):
    ready = tmp_path / "ready"
    inline = "trap 'echo asked; exit 3' TERM; touch ready; while :; do sleep 0.1; done"
    exp = run.Experiment("stopped")
    exp.add(Script(inline=inline, entrypoint="sh"), executor=executor, name="job")
    exp.run(detach=True)
    until = time.monotonic() + 30
    while not ready.exists():
        assert time.monotonic() < until, exp.logs("job")
        time.sleep(0.05)
    assert len(json.loads(podman("ps", "--format=json"))) == 1
    exp.cancel("job")
    assert exp.attach(check=False).jobs["job"].state is State.CANCELLED
    assert exp.logs("job", stream="out") == "asked\n"
    assert json.loads(podman("ps", "--all", "--format=json")) == []
