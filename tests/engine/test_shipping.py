"""The code that jobs get, whenever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun import Files, LocalExecutor, Packager, Script

if TYPE_CHECKING:
    from pathlib import Path

    from nrun import Packing


@attrs.frozen(kw_only=True)
class Everything(Packager):
    """Ships the folder that is launched from."""

    async def select(self, source: Path, packing: Packing) -> list[Files]:
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
