"""`Nsys`: what users write to have a job profiled, and the command that becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs.validators import instance_of, optional

from nrun import Launcher
from nrun.model import Command, JobPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Executor
    from nrun.model import Word

EXTRA = (
    *("--force-overwrite=true", "--capture-range=cudaProfilerApi", "--capture-range-end=stop"),
    *("--cuda-graph-trace=node", "--cuda-event-trace=false"),
)


@attrs.frozen(kw_only=True)
class Nsys(Launcher):
    """Profiles a job with Nsight Systems, whose `nsys` must be on the path of the job.

    >>> LocalExecutor(launcher=Nsys(launcher=Torchrun()))

    It starts whatever `launcher` makes of the command. The reports lie in the folder of the attempt.
    """

    launcher: Launcher | None = attrs.field(default=None, validator=optional(instance_of(Launcher)))
    """What starts the processes that are profiled; None: the command is the process."""
    folder: str = "nsys_profile"
    """The folder of the reports, in that of the attempt unless it is absolute."""
    filename: str = "profile_%p"
    """Name of each report; of `%p` nsys makes the number of the process, of `%q{RANK}` what a variable holds."""
    trace: Sequence[str] = attrs.field(default=("nvtx", "cuda"), converter=tuple)
    sample: str = "none"
    extra_args: Sequence[str] = attrs.field(default=EXTRA, converter=tuple)
    """Further options. These record only what is between the calls of `cudaProfilerStart` and `cudaProfilerStop`."""
    gpu_metrics: bool = False
    """Whether counters of the GPUs of the node are sampled too, which needs the right to."""

    def starts_ranks(self) -> bool:
        """As the launcher within it."""
        return self.launcher is not None and self.launcher.starts_ranks()

    def wrap(self, command: Command, executor: Executor) -> Command:
        """`nsys profile` with these options, and what it is to start."""
        inner = self.launcher.wrap(command, executor) if self.launcher else command
        name = f"{self.folder}/{self.filename}"
        output: Word = name if name.startswith("/") else JobPath(name)
        argv: list[Word] = ["nsys", "profile", "-s", self.sample, "-t", ",".join(self.trace)]
        argv += ["-o", output, *self.extra_args]
        if self.gpu_metrics:
            argv.append("--gpu-metrics-devices=all")
        files = inner.files if name.startswith("/") else {**inner.files, f"{self.folder}/.made": ""}
        return attrs.evolve(inner, argv=(*argv, *inner.argv), files=files)  # nsys makes no folder
