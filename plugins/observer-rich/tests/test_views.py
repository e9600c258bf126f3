"""Whole programs, on a terminal and without one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = """
import nrun as run

with run.Experiment("small") as exp:
    exp.add(run.Script(inline="true"), executor=run.LocalExecutor(), name="good")
    exp.add(run.Script(inline="exit 3"), executor=run.LocalExecutor(), name="bad")
    exp.run(check=False)
"""
WAITS = "until test -e go; do sleep 0.05; done"
"""A command that ends when there is a file `go`."""
SHOW_CURSOR, HIDE_CURSOR, ERASE_LINE = "\x1b[?25h", "\x1b[?25l", "\x1b[2K"


def cursor_is_shown(text: str) -> bool:
    return text.rfind(SHOW_CURSOR) >= text.rfind(HIDE_CURSOR)


def test_without_a_terminal_there_are_plain_lines_and_rich_is_not_imported(tmp_path: Path) -> None:
    script = SMALL + "\nimport sys\nprint('rich' in sys.modules, 'nrun_observer_rich.plain' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "NRUN_HOME": str(tmp_path / "home"), "TERM": "xterm-256color"},
    )
    assert done.stdout == "False True\n"
    lines = re.sub(r"\d+-\d+-\d+-\w+", "ID", re.sub(r"\d+\.\d s", "N s", done.stderr)).splitlines()
    assert lines[0] == "small: 2 jobs, experiment ID"
    assert sorted(lines[1:-1]) == ["small: bad  FAILED  N s  exit code 3", "small: good  SUCCEEDED  N s"]
    assert lines[-1] == "small: FAILED  N s  1 succeeded, 1 failed"


def test_a_program_without_stderr_runs_all_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys\nsys.stderr = None\n" + SMALL + "\nprint(exp.status().state.value)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "NRUN_HOME": str(tmp_path / "home")},
    )
    assert (done.stdout, done.stderr) == ("FAILED\n", "")


def test_on_a_terminal_the_final_picture_stays_and_the_cursor_is_shown(on_terminal: Callable) -> None:
    terminal = on_terminal(SMALL)
    text = terminal.finish()
    assert terminal.process.returncode == 0
    assert cursor_is_shown(text)
    final = text[text.rfind("small") :]
    assert "2/2" in final
    assert "1 failed" in final
    assert "exit code 3" in final
    assert ERASE_LINE not in final


def test_no_color_means_no_color(on_terminal: Callable) -> None:
    assert "\x1b[31m" in on_terminal(SMALL).finish()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", on_terminal(SMALL, NO_COLOR="1").finish())


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_simple_terminal_gets_plain_lines(on_terminal: Callable, kind: str) -> None:
    text = on_terminal(SMALL, TERM=kind).finish()
    assert "\x1b" not in text
    assert "small: bad  FAILED" in text


def test_experiments_one_after_another_are_each_shown_live(on_terminal: Callable) -> None:
    text = on_terminal(SMALL + SMALL.replace("small", "second")).finish()
    assert "small: " not in text
    assert "second: " not in text
    assert "2/2" in text[text.rfind("second") :]


def test_of_experiments_at_the_same_time_one_is_live_and_the_others_are_lines(on_terminal: Callable) -> None:
    script = """
import asyncio
import nrun as run

async def go(title, command):
    exp = run.Experiment(title)
    exp.add(run.Script(inline=command), executor=run.LocalExecutor(), name="job")
    await exp.run_async()

async def main():
    first = asyncio.create_task(go("first", "WAITS"))
    await asyncio.sleep(0)
    await go("second", "true")
    open("go", "w").close()
    await first

asyncio.run(main())
""".replace("WAITS", WAITS)
    terminal = on_terminal(script)
    text = terminal.finish()
    assert terminal.process.returncode == 0, text
    titles = {"first", "second"}
    lines = {title for title in titles if f"{title}: 1 job" in text}
    assert len(lines) == 1
    (live,) = titles - lines
    assert "1/1" in text[text.rfind(live + "\x1b") :]
    assert f"{lines.pop()}: SUCCEEDED" in text
    assert cursor_is_shown(text)


def test_what_is_printed_meanwhile_stays_on_the_screen(on_terminal: Callable, tmp_path: Path) -> None:
    script = """
import asyncio, os, sys
import nrun as run

async def main():
    exp = run.Experiment("small")
    exp.add(run.Script(inline="WAITS"), executor=run.LocalExecutor(), name="job")
    running = asyncio.create_task(exp.run_async())
    while not os.path.exists("drawn"):
        await asyncio.sleep(0.01)
    print("to stdout")
    print("to stderr", file=sys.stderr)
    open("go", "w").close()
    await running
    print("afterwards")

asyncio.run(main())
""".replace("WAITS", WAITS)
    terminal = on_terminal(script)
    terminal.read_until("1 running")
    (tmp_path / "drawn").touch()
    text = terminal.finish()
    for printed in ("to stdout", "to stderr", "afterwards"):
        assert text.count(f"{printed}\r\n") == 1
    assert text.index("1/1") < text.index("afterwards")


def test_a_launcher_that_is_killed_leaves_the_cursor_shown(on_terminal: Callable, tmp_path: Path) -> None:
    terminal = on_terminal(SMALL.replace('"true"', f'"{WAITS}"'))
    terminal.read_until("1 running")
    terminal.process.kill()
    text = terminal.finish()
    (tmp_path / "go").touch()  # the job outlives its launcher: let it end
    assert cursor_is_shown(text)


def test_an_interrupt_leaves_the_final_picture(on_terminal: Callable) -> None:
    terminal = on_terminal(SMALL.replace('"true"', '"sleep 60"'), NRUN_ON_INTERRUPT="cancel")
    terminal.read_until("1 running")
    terminal.press("\x03")
    text = terminal.finish()
    assert "1 cancelled" in text
    assert "KeyboardInterrupt" in text
    assert cursor_is_shown(text)


def test_a_program_that_dies_in_the_middle_ends_the_live_view(on_terminal: Callable) -> None:
    script = """
import sys
from pathlib import Path
from nrun.events import ExperimentStarted
from nrun_observer_rich.views import show

show(ExperimentStarted(at=1000.0, title="cut", jobs=1, pid=1, host="here"), "some-id", Path("nowhere"))
raise RuntimeError("boom")
"""
    text = on_terminal(script).finish()
    assert "RuntimeError: boom" in text
    assert text.index("boom") < text.rindex("cut")
    assert cursor_is_shown(text)
