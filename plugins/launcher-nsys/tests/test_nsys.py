"""What `nsys` is told: the exact command, and what it starts."""

from __future__ import annotations

import attrs
import pytest

import nrun as run
from nrun import ConfigError, Launcher, Script
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of

DEFAULTS = (
    "--force-overwrite=true --capture-range=cudaProfilerApi --capture-range-end=stop "
    "--cuda-graph-trace=node --cuda-event-trace=false "
)


@attrs.frozen(kw_only=True)
class Nice(Launcher):
    def wrap(self, command, executor):
        return attrs.evolve(command, argv=("nice", *command.argv), env={"NICE": "1"})


def files_with(launcher) -> dict[str, str]:
    job = Job(name="train", tasks=(Script("t.sh"),), executors=(run.Executor(launcher=launcher),))
    return launch_files(
        launch_of(job, Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd="/", path=(), main=None)))
    )


def test_a_job_is_profiled():
    files = files_with(run.Nsys())
    assert (
        f'    exec nsys profile -s none -t nvtx,cuda -o "$NRUN_JOB_DIR"/nsys_profile/profile_%p {DEFAULTS}bash t.sh\n'
    ) in files["launch.sh"]
    assert "nsys_profile/.made" in files  # or nsys could write nothing there


def test_what_another_launcher_starts_is_profiled():
    script = files_with(run.Nsys(launcher=Nice()))["launch.sh"]
    assert "export NICE=1\n" in script
    assert f"{DEFAULTS}nice bash t.sh\n" in script


def test_every_option_can_be_set():
    launcher = run.Nsys(
        folder="/prof", filename="it's", trace=["osrt"], sample="cpu", extra_args=["--stats=true"], gpu_metrics=True
    )
    files = files_with(launcher)
    assert (
        "exec nsys profile -s cpu -t osrt -o '/prof/it'\"'\"'s' --stats=true --gpu-metrics-devices=all bash t.sh\n"
    ) in files["launch.sh"]
    assert set(files) == {"launch.sh"}


def test_what_it_starts_by_must_be_a_launcher():
    with pytest.raises(ConfigError, match="launcher"):
        run.Nsys(launcher="torchrun")
