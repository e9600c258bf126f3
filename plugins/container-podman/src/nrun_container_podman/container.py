"""`PodmanContainer`: what users write to run a job in an image with Podman, and the command that becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun import Container
from nrun.words import Joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Executor
    from nrun.model import Command, Word

PASSED = (
    *("NRUN_*", "SLURM_*", "MASTER_*", "PMI*", "CUDA_VISIBLE_DEVICES"),
    *("RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
)


@attrs.frozen(kw_only=True)
class PodmanContainer(Container):
    """Runs a job in an image with Podman, rootless or not. The container is removed when it ends."""

    devices: Sequence[str] = attrs.field(default=(), converter=tuple)
    """Such as `nvidia.com/gpu=all`, the name of all GPUs where NVIDIA's Container Device Interface is set up."""
    network: str = "host"
    ipc: str = "host"
    """Whose shared memory it uses. Loaders of data need more than a container gets of its own."""
    init: bool = True
    """Whether signals reach the job through an init process: without one, a program that asks for none gets none."""
    entrypoint: bool = False
    """Whether the image's own entrypoint starts the job. Otherwise nothing stands between it and the job."""
    pass_env: Sequence[str] = attrs.field(default=PASSED, converter=tuple)
    """Variables that are handed on beside those of the task and its executor; `NAME*` stands for all that begin so."""
    global_options: Sequence[str] = attrs.field(default=(), converter=tuple)
    """Options of `podman` itself, such as `("--root", "/scratch/containers")`."""
    options: Sequence[str] = attrs.field(default=(), converter=tuple)
    """Further options of `podman run`."""

    def wrap(self, command: Command, executor: Executor) -> Command:
        """`podman run` with these options, and what it is to start.."""
        del executor
        argv: list[Word] = ["podman", *self.global_options, "run", "--rm"]
        argv += [f"--network={self.network}", f"--ipc={self.ipc}"]
        if self.init:
            argv.append("--init")
        if not self.entrypoint:
            argv.append("--entrypoint=")
        for folder in self.needed(command):
            argv += ["--volume", Joined((folder, ":", folder))]
        for option, values in {"--volume": self.mounts, "--device": self.devices}.items():
            argv += [word for value in values for word in (option, value)]
        own = [f"{name}={value}" for name, value in self.env.items()]
        for variable in (*self.pass_env, *own, *command.env, *command.secrets):
            argv += ["--env", variable]
        argv += ["--workdir", self.workdir or command.cwd, *self.options, self.image, *command.argv]
        return attrs.evolve(command, argv=tuple(argv))
