"""`PyxisContainer`: what users write to have Slurm run a job in an image, and what `srun` is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun import Container, PlanError
from nrun.words import Joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Executor
    from nrun.model import Command, Word


@attrs.frozen(kw_only=True)
class PyxisContainer(Container):
    """Has Slurm run a job in an image, where its plugin Pyxis is installed: whatever srun starts runs inside.

    What is None is as the cluster has it.
    """

    container_env: Sequence[str] = attrs.field(default=(), converter=tuple)
    """Variables of the host that go before those of the image."""
    name: str | None = None
    """The name under which the container stays on each node, to be used again."""
    save: str | None = None
    """The file into which the container is saved when it ends."""
    mount_home: bool | None = None
    remap_root: bool | None = None
    entrypoint: bool | None = False
    """Whether the image's own entrypoint starts the job."""
    writable: bool | None = None

    def wrap(self, command: Command, executor: Executor) -> Command:
        """The command as it is, in its folder inside. Raises PlanError if the executor has no `srun` to tell."""
        if not getattr(executor, "takes_step_options", False):
            msg = f"{type(executor).__name__} cannot run a PyxisContainer, which only srun of Slurm starts"
            raise PlanError(msg, hint="use PodmanContainer or ApptainerContainer")
        return attrs.evolve(command, cwd=self.workdir or command.cwd, env={**self.env, **command.env})

    def step_options(self, command: Command) -> Sequence[Word]:
        """The options of `srun`."""
        mounts: list[Word] = ["--container-mounts="]
        for folder in self.needed(command):
            mounts += [folder, ":", folder, ","]
        mounts = [*mounts[:-1], *("," + _mount(mount) for mount in self.mounts)]
        words: list[Word] = [f"--container-image={self.image}", Joined(tuple(mounts))]
        words += [f"--container-env={','.join(self.container_env)}"] if self.container_env else []
        words += [f"--container-name={self.name}"] if self.name else []
        words += [f"--container-save={self.save}"] if self.save else []
        for flag, wanted in {
            "container-mount-home": self.mount_home,
            "container-remap-root": self.remap_root,
            "container-entrypoint": self.entrypoint,
        }.items():
            words += [] if wanted is None else [f"--{flag}" if wanted else f"--no-{flag}"]
        words += [] if self.writable is None else ["--container-writable" if self.writable else "--container-readonly"]
        return words


def _mount(mount: str) -> str:
    """A mount as Pyxis reads it, which separates its options by plus signs."""
    source, inside, *options = mount.split(":", 2)
    return ":".join((source, inside, *(one.replace(",", "+") for one in options)))
