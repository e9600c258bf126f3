"""What is done on the cluster by commands and transfers, few for many jobs. It knows nothing of what is true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nrun import BackendError, HostCommand, TransportError
from nrun_executor_slurm import answers
from nrun_executor_slurm.names import experiment_folder, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from nrun import Transport, Tunnel
    from nrun.model import Attempt, Bundle, Handle
    from nrun_executor_slurm.answers import Listed, Seen

REMOTE = Path(__file__).with_name("remote")
TIMEOUT_S = 60.0
SUBMIT_S = 600.0
QUEUE_S = 2.0
"""The queue is asked at most once in this time, whoever asks."""
SEND_S = 86400.0
"""For all code; the engine ends it much sooner where nothing comes on."""
MOST_ELEMENTS = 1000
"""With Slurm's default for MaxArraySize the last element is 1000."""
HOME = """case $1 in '~/'*) set -- "$HOME/${1#??}" ;; esac"""
"""Has `~/` at the beginning of a path mean what it does in shells."""
_CLEAR = "rm -f secrets secrets.kept task-*/secrets task-*/secrets.kept"


class Cluster:
    """The login node, reached by a tunnel that is open."""

    def __init__(self, tunnel: Tunnel, host: Transport) -> None:
        self.tunnel = tunnel
        self.host = host
        self.most_elements = MOST_ELEMENTS
        """Of one array. Slurm tells when that is too many."""
        self._minded = False
        self._workers: set[str] = set()

    def path(self, name: str) -> str:
        """Where something of ours is there."""
        return f"{self.tunnel.job_dir.rstrip('/')}/{name}"

    async def run(self, command: HostCommand, timeout_s: float = TIMEOUT_S) -> str:
        """What a command says. Raises BackendError with what it complains of."""
        (done,) = await self.host.run([command], timeout_s=timeout_s)
        if isinstance(done, TransportError):
            raise done
        if done.exit_code:
            why = done.stderr.decode(errors="replace").strip()[-500:] or f"it ended with {done.exit_code}"
            msg = f"on {self.tunnel.host}: {why}"
            raise BackendError(msg, hint="`nrun host check` tells what works there")
        return done.stdout.decode("utf-8", "surrogateescape")

    async def program(self, name: str, *words: str, lines: Collection[str], repeatable: bool = True) -> str:
        """What a program of ours says, given lines."""
        text = (REMOTE / name).read_text("utf-8")
        stdin = "".join(f"{line}\n" for line in lines).encode()
        command = HostCommand(("sh", "-c", text, name, self.tunnel.job_dir, *words), stdin, repeatable=repeatable)
        return await self.run(command, TIMEOUT_S if repeatable else SUBMIT_S)

    async def stage(self, bundles: Collection[Bundle], progress: Callable[[int, int], None]) -> None:
        """Have the code in the store of the cluster, sending what it lacks."""
        from nrun.packaging.send import RECEIVER, send

        await self.mind_folder()
        tools = {path.name: path.read_bytes() for path in (*RECEIVER, REMOTE / "lay_out.py")}
        await self.host.send(tools, self.path("tools"), timeout_s=TIMEOUT_S)
        script = f'{HOME}; exec python3 "$1/tools/receive.py" "$1/bundles"'
        argv = ("sh", "-c", script, "sh", self.tunnel.job_dir)
        try:
            async with self.host.talk(argv, timeout_s=SEND_S) as line:
                await send(bundles, line, progress)
        except OSError as error:
            msg = f"the code cannot be read here: {error}"
            raise BackendError(msg) from error

    async def lay_out(self, attempts: Collection[Attempt]) -> None:
        """Make copies of the code of attempts, for each its own."""
        lines = [f"{folder_of(one.tag)}\t{one.bundle.id}\n" for one in attempts if one.bundle is not None]
        if lines:
            script = f'{HOME}; exec python3 "$1/tools/lay_out.py" "$1"'
            argv = ("sh", "-c", script, "sh", self.tunnel.job_dir)
            await self.run(HostCommand(argv, "".join(lines).encode(), repeatable=True), SUBMIT_S)

    async def mind_folder(self) -> None:
        """Make the folder in which nrun works, for its owner alone."""
        if self._minded:
            return
        script = f'{HOME}; [ -d "$1" ] || mkdir -p -m 700 -- "$1"'
        await self.run(HostCommand(("sh", "-c", script, "sh", self.tunnel.job_dir), repeatable=True))
        self._minded = True

    async def send(self, attempts: Collection[Attempt], texts: Mapping[str, str]) -> None:
        """Write files, by their paths below the folder in which nrun works: one transfer for each experiment."""
        for experiment in {attempt.tag.experiment for attempt in attempts}:
            root = experiment_folder(experiment)
            files: dict[str, bytes | Path] = {}
            if experiment not in self._workers:
                record = next(one.folder for one in attempts if one.tag.experiment == experiment).parents[2]
                files |= {path.name: path.read_bytes() for path in record.glob("worker*.py")}
            for path, text in texts.items():
                if path.startswith(f"{root}/"):
                    files[path.removeprefix(f"{root}/")] = text.encode("utf-8", "surrogateescape")
            await self.host.send(files, self.path(root), timeout_s=SUBMIT_S)
            self._workers.add(experiment)

    async def clear(self, attempts: Collection[Attempt | Handle]) -> None:
        """Remove the secrets of attempts that do not run."""
        if attempts:
            script = f'{HOME}; cd "$1" || exit 0; while IFS= read -r folder; do (cd "$folder" && {_CLEAR}); done'
            lines = "".join(f"{folder_of(one.tag)}\n" for one in attempts)
            argv = ("sh", "-c", script, "sh", self.tunnel.job_dir)
            await self.run(HostCommand(argv, lines.encode(), repeatable=True))

    async def look(self, folders: Collection[str], fresh_s: float) -> Seen:
        """What is in these folders, and the queue as it was at most `fresh_s` ago."""
        return answers.looked(await self.program("look.sh", f"{fresh_s:g}", lines=folders))

    async def ask(self, jobs: Sequence[str]) -> tuple[dict[str, Listed], set[str]]:
        """What accounting and the controller say of jobs, and of which the controller says that there are none."""
        text = (REMOTE / "ask.sh").read_text("utf-8")
        told = await self.run(HostCommand(("sh", "-c", text, "ask.sh", ",".join(jobs)), repeatable=True))
        none = answers.gone(told)
        return answers.asked(told), {job for job in jobs if job in none or answers.array_of(job) in none}

    async def logs_of_tasks(self, folder: str, kind: str) -> list[str]:
        """The logs of the tasks of a group, from the folder of its attempt."""
        script = f'{HOME}; cd "$1" 2>/dev/null || exit 0; ls -d task-* 2>/dev/null || :'
        told = await self.run(HostCommand(("sh", "-c", script, "sh", folder), repeatable=True))
        tasks = sorted(int(one[5:]) for one in told.split() if one.startswith("task-") and one[5:].isdigit())
        return [f"task-{task}/{kind}.log" for task in tasks]

    async def fetch(self, name: str, dest: Path) -> None:
        """All that the folder of an attempt has, but for code and secrets; the latter are removed there."""
        folder = self.path(name)
        listing = "find . -mindepth 1 -maxdepth 1 ! -name code ! -name '*.part' -printf '%P\\0'"
        script = f'{HOME}; cd "$1" 2>/dev/null || exit 0; {_CLEAR}; {listing}'
        told = await self.run(HostCommand(("sh", "-c", script, "sh", folder), repeatable=True))
        names = [one for one in told.split("\0") if one]
        if names:
            await self.host.fetch(names, folder, dest, timeout_s=SUBMIT_S)

    async def cancel(self, words: Sequence[str], jobs: Sequence[str]) -> None:
        """`scancel`; that a job is over already is no failure."""
        await self.run(HostCommand(("sh", "-c", 'scancel "$@" || :', "sh", *words, *jobs), repeatable=True))
