"""The code that jobs get, whenever they run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import attrs

from nrun import Files, LocalExecutor, Packager, PackagingError, Script
from nrun.record.artifacts import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from nrun import Packing


@attrs.frozen(kw_only=True)
class Everything(Packager):
    """Ships the folder that is launched from."""

    async def select(self, source: Path, packing: Packing) -> list[Files]:
        return [Files(source, packing.walk(source, None))]


@attrs.frozen(kw_only=True)
class Counting(Packager):
    """Writes down that it was asked, where it is launched from."""

    async def select(self, source: Path, packing: Packing) -> list[Files]:
        with (source / "asked").open("a") as file:
            file.write("once\n")
        return [Files(source, packing.walk(source, None))]


def test_later_jobs_and_reruns_get_the_code_that_was_there_at_the_launch(experiment, tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    (source / "version").write_text("as launched\n")
    monkeypatch.chdir(source)
    executor = LocalExecutor(packager=Everything())
    exp = experiment()
    exp.add(Script(inline='echo edited >"$1"', args=[source / "version"], entrypoint="sh"), executor, "edits")
    exp.add(Script(inline="cat version", entrypoint="sh"), executor, "reads", dependencies=["edits"])
    exp.run()
    assert (source / "version").read_text() == "edited\n"
    assert exp.logs("reads") == "as launched\n"
    again = experiment.known(exp.id)
    again.rerun("reads")
    assert (again.status().jobs["reads"].attempt, again.logs("reads")) == (2, "as launched\n")


@attrs.frozen(kw_only=True)
class Broken(Packager):
    async def select(self, source: Path, packing: Packing) -> list[Files]:
        raise PackagingError("there is nothing to pack")


def test_outputs_are_looked_for_where_the_executor_ran_that_took_over(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exp = experiment()
    task = Script(inline="echo done >made", entrypoint="sh")
    exp.add(task, LocalExecutor(packager=Broken()), "job", fallbacks=[LocalExecutor()], outputs=["made"])
    exp.run()
    kept = exp.path / "jobs" / "job" / f"attempt-{exp.status().jobs['job'].attempt}" / MANIFEST
    for _ in range(2):
        assert [one.path for one in exp.job("job").artifacts()] == ["made"]
        kept.unlink()  # as if nobody had been in charge when the job ended
        experiment.known(exp.id).resume()


def test_what_nrun_keeps_does_not_travel(experiment, tmp_path, monkeypatch):
    """The record may be inside of what is shipped; it changes while it is packed."""
    (tmp_path / "own").touch()
    monkeypatch.chdir(tmp_path)
    exp = experiment()
    exp.add(Script(inline="ls", entrypoint="sh"), LocalExecutor(packager=Everything()), "lists")
    exp.run()
    assert exp.path.is_relative_to(tmp_path)
    assert exp.logs("lists") == "own\n"


_LAUNCHES = """
import sys
from pathlib import Path

import nrun as run

import library

VERSION = "as launched"


class Tree(run.Packager):
    async def select(self, source, packing):
        return [run.Files(source.parent, packing.walk(source.parent, None))]

    def at(self, source):
        return self.clone(start=source.name)


def edit(folder: str):
    for path in (Path(folder, "launch.py"), Path(folder, "library.py"), Path(folder, "data")):
        path.write_text(path.read_text().replace("as launched", "edited"))


def look():
    return [VERSION, library.VERSION, Path("data").read_text(), Path.cwd().parts[-2:]]


if __name__ == "__main__":
    with run.Experiment("ships") as exp:
        executor = run.LocalExecutor(packager=Tree())
        exp.add(run.Partial(edit, str(Path.cwd())), name="edits")
        exp.add(run.Partial(look), executor=executor, name="looks", dependencies=["edits"])
        exp.add(run.Script("data", entrypoint="cat"), executor=executor, name="reads", dependencies=["edits"])
        exp.run()
    print(exp.jobs["looks"].result(), exp.logs("reads"))
"""


def test_functions_scripts_and_data_are_those_that_were_shipped(tmp_path):
    """Also of the launching script, and when it is launched from a folder inside what travels."""
    folder = tmp_path / "repository" / "one"
    folder.mkdir(parents=True)
    (folder / "launch.py").write_text(_LAUNCHES)
    (folder / "library.py").write_text("VERSION = 'as launched'\n")
    (folder / "data").write_text("as launched")
    env = os.environ | {"NRUN_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "launch.py"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout.splitlines()[-1] if done.stdout else done.stderr
    assert said == "['as launched', 'as launched', 'as launched', ['code', 'one']] as launched", done.stderr
    assert (folder / "data").read_text() == "edited"
    assert len(list((tmp_path / "home" / "bundles").glob("*.manifest"))) == 1


def test_jobs_that_ship_the_same_pack_it_once(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code").mkdir()
    monkeypatch.chdir(tmp_path / "code")
    exp = experiment()
    for number in range(10):
        exp.add(Script(inline="cat asked", entrypoint="sh"), LocalExecutor(packager=Counting()), f"job-{number}")
    exp.run()
    assert {exp.logs(f"job-{number}") for number in range(10)} == {"once\n"}
    assert (tmp_path / "code" / "asked").read_text() == "once\n"
