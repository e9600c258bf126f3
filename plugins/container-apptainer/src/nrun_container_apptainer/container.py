"""`ApptainerContainer`: what users write to run a job in an image with Apptainer, and the command it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from nrun import Container
from nrun.words import Joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Executor
    from nrun.model import Command, Word


@attrs.frozen(kw_only=True)
class ApptainerContainer(Container):
    """Runs a job in an image with Apptainer, or with Singularity, from which it comes.

    The variables of the job are handed on, but for those that the image sets itself; `env` goes before these.
    """

    program: Literal["apptainer", "singularity"] = "apptainer"
    nv: bool = False
    """Whether NVIDIA's GPUs, and the libraries for them, are there."""
    rocm: bool = False
    """Whether those of AMD are."""
    no_home: bool = False
    """Whether the home of the user stays outside."""
    writable_tmpfs: bool = False
    """Whether the job may write to the image, into memory, to be gone when it ends."""
    options: Sequence[str] = attrs.field(default=(), converter=tuple)
    """Further options of `apptainer exec`."""

    def wrap(self, command: Command, executor: Executor) -> Command:
        """`apptainer exec` with these options, and what it is to start."""
        del executor
        argv: list[Word] = [self.program, "exec"]
        flags = {"--nv": self.nv, "--rocm": self.rocm, "--no-home": self.no_home}
        argv += [flag for flag, wanted in {**flags, "--writable-tmpfs": self.writable_tmpfs}.items() if wanted]
        for folder in self.needed(command):
            argv += ["--bind", Joined((folder, ":", folder))]
        argv += [word for mount in self.mounts for word in ("--bind", mount)]
        argv += ["--pwd", self.workdir or command.cwd, *self.options, self.image, *command.argv]
        prefix = f"{self.program.upper()}ENV_"
        env = {**command.env, **{f"{prefix}{name}": value for name, value in self.env.items()}}
        return attrs.evolve(command, argv=tuple(argv), env=env)
