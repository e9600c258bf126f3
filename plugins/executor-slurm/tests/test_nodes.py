"""Jobs keep away from nodes that are to blame for failures, for a while."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from nrun import Cause, Script, State
from nrun.cli.root import root

TELL = Script(inline="echo $SLURMD_NODENAME", entrypoint="sh")
NOTES = Path("cluster", "nodes")


def note(*nodes, seconds=600):
    NOTES.parent.mkdir(exist_ok=True)
    NOTES.write_text("".join(f"{time.time() + seconds:.0f}\t{node}\ta node failed\n" for node in nodes))


def test_the_next_attempt_keeps_away_from_a_node_that_failed(during, slurm):
    async def down(runs):
        await runs.until_it_has_written("here")
        (node,) = (await runs.until(lambda seen: seen.state is State.RUNNING)).nodes
        runs.node = node
        slurm.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        try:
            async with asyncio.timeout(60):
                while not NOTES.exists():  # noqa: ASYNC110 - it sends no events
                    await asyncio.sleep(0.2)
        finally:
            slurm.run("scontrol", "update", f"nodename={node}", "state=resume")

    text = "echo here $SLURMD_NODENAME; [ $NRUN_ATTEMPT -gt 1 ] || sleep 100"
    seen, runs = during(
        Script(inline=text, entrypoint="sh"), down, additional_parameters={"requeue": None, "no_requeue": True}
    )
    assert (seen.state, seen.attempt, dict(seen.failures)) == (State.SUCCEEDED, 2, {Cause.NODE_FAILURE: 1})
    assert seen.nodes != (runs.node,)
    assert f"a node failed: {runs.node} (jobs keep away from it" in (runs.exp.path / "journal.jsonl").read_text()
    nodes = CliRunner().invoke(root, ["experiment", "nodes", runs.exp.id])
    assert (nodes.exit_code, runs.node in nodes.output, "a node failed" in nodes.output) == (0, True, True)
    CliRunner().invoke(root, ["experiment", "nodes", runs.exp.id, "--forget", runs.node])
    assert json.loads(CliRunner().invoke(root, ["experiment", "nodes", runs.exp.id, "--json"]).output) == []


@pytest.mark.parametrize(
    ("noted", "options", "expected"),
    [
        (["n1"], {}, "n2"),
        (["n1", "n3"], {"exclude": "n2"}, "n4"),
        (["n1", "n2", "n3", "n4"], {}, "n1"),  # better than not at all
        (["n4"], {"nodelist": "n4"}, "n4"),
    ],
)
def test_where_a_job_goes(outcome, noted, options, expected):
    note(*noted)
    assert outcome(TELL, **options).logs("job") == f"{expected}\n"


def test_it_is_for_a_while_only(outcome):
    note("n1", seconds=-1)
    assert outcome(TELL).logs("job") == "n1\n"
