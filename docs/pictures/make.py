"""Makes `live.svg`, the picture of the live view: `uv run python docs/pictures/make.py [FILE]`.

It runs a real experiment and draws it as a terminal would show it in the middle.
"""

import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

import nrun as run
from nrun.record import read_journal
from nrun_observer_rich.live import last_lines, picture
from nrun_observer_rich.progress import Progress

TRAIN = "for step in 1 2 3 4 5 6 7 8 9; do echo epoch $step/9 loss {loss}$step; sleep 0.2; done"


def experiment(home: Path) -> run.Experiment:
    exp = run.Experiment("language-model", run.LocalExecutor(max_parallel=8), home=home)
    exp.add(run.Script(inline="echo tokenised 12,000 documents"), name="prepare")
    for size, loss in (("small", "2.8"), ("medium", "2.3"), ("large", "1.9")):
        exp.add(run.Script(inline=TRAIN.format(loss=loss)), name=f"train-{size}", dependencies=["prepare"])
        exp.add(run.Script(inline="true"), name=f"evaluate-{size}", dependencies=[f"train-{size}"])
    exp.add(run.Script(inline="exit 3"), name="download-extras", dependencies=["prepare"])
    return exp


async def draw(file: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        exp = experiment(Path(home))
        running = asyncio.create_task(exp.run_async(check=False))
        await asyncio.sleep(1.5)
        started, *events = read_journal(exp.path / "journal.jsonl").events
        progress = Progress.of(started, exp.id)
        for event in events:
            progress.take(event)
        console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
        console.print("[bold]$[/bold] nrun run train.py")
        console.print(picture(progress, "", time.time(), last_lines(progress, exp.path / "jobs")))
        await running
    file.write_text(console.export_svg(title="nrun", unique_id="nrun-live"), "utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("live.svg")))
