"""What commands do with experiments, Python does too, and in a program with an event loop of its own."""

from __future__ import annotations

import json

import pytest

TWO = """
    import sys
    from pathlib import Path

    import nrun as run

    def fit(lr: float) -> dict:
        Path(f"{lr}.txt").write_text(str(lr))
        return {"loss": 1 / lr}

    if __name__ == "__main__":
        exp = run.Experiment("two")
        exp.add(run.Script(inline="echo hi", entrypoint="sh"), name="script")
        exp.add(run.Partial(fit, lr=float(sys.argv[1])), name="fit", outputs=[f"{float(sys.argv[1])}.txt"])
        exp.run(check=False)
"""


@pytest.fixture
def two(shell):
    shell.write("two.py", TWO)
    for rate in ("2", "4", "0"):
        assert shell.python("two.py", rate).returncode == 0
    return shell


def told_by(shell, text, *words):
    """What a program prints, as JSON."""
    shell.write("tells.py", text)
    done = shell.python("tells.py", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_results_artifacts_and_differences_are_data(two):
    told = told_by(
        two,
        """
        import json
        from nrun import Experiment

        bad, good, first = (Experiment.from_id(status.id) for status in Experiment.catalog("two"))
        (model,) = good.artifacts()["fit"]
        print(json.dumps({
            "results": [bad.results(), good.results()],
            "fetched": model.get("taken").read_text(),
            "diff": good.diff(first),
            "same": good.diff(good),
            "ids": [good.id, first.id],
        }))
        """,
    )
    assert told["results"] == [{}, {"fit": {"loss": 0.25}}]
    assert told["fetched"] == "4.0"
    assert told["diff"]["configuration"] == {"fit.lr": [4.0, 2.0]}
    assert told["diff"]["results"] == {"fit.loss": [0.25, 0.5]}
    assert not any(told["same"].values())
    assert told["diff"] | {"diffs": {}} == json.loads(two.nrun("diff", *told["ids"], "--json").stdout)


def test_archive_restore_and_gc(two):
    told = told_by(
        two,
        """
        import json
        from nrun import Experiment

        bad, good, first = (Experiment.from_id(status.id) for status in Experiment.catalog("two"))
        file = good.archive("good.tar.gz", remove=True)
        left = [status.id for status in Experiment.catalog("two")]
        (again,) = Experiment.restore(file)
        again.tag("keep")
        again.note("the best")
        wishes = {"state": "succeeded,failed", "keep_last": 1}
        would, went = Experiment.gc(dry_run=True, **wishes), Experiment.gc(**wishes)
        print(json.dumps({
            "left": left == [bad.id, first.id],
            "again": [again.id == good.id, again.results(), again.tags, [one.text for one in again.notes]],
            "gone": [{str(path): why for path, why in one.items()} for one in (would, went)],
            "first": str(first.path),
            "kept": sorted(status.id for status in Experiment.catalog()) == sorted([good.id, bad.id]),
        }))
        """,
    )
    assert told["left"]
    assert told["again"] == [True, {"fit": {"loss": 0.25}}, ["keep"], ["the best"]]
    assert told["gone"][0] == told["gone"][1] == {told["first"]: "2 of 'two' are newer, SUCCEEDED"}
    assert told["kept"]


def test_a_program_with_an_event_loop_looks_after_experiments(shell):
    told = told_by(
        shell,
        """
        import asyncio, json
        from nrun import Experiment, JobsFailed, Script

        async def main():
            exp = Experiment("loop")
            exp.add(Script(inline="test -e go || exec sleep 60", entrypoint="sh"), name="waits")
            running = asyncio.create_task(exp.run_async(check=False))
            while exp.id is None or (await exp.status_async()).jobs["waits"].state != "RUNNING":
                await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.wait([running])
            other = Experiment.from_id(exp.id)
            carried = asyncio.create_task(other.resume_async())
            await asyncio.sleep(0.2)
            watched = asyncio.create_task(Experiment.from_id(exp.id).attach_async(check=False))
            left = await Experiment.from_id(exp.id).cancel_async("waits")
            try:
                await carried
            except JobsFailed as error:
                failed = list(error.jobs)
            seen = (await watched).state
            open("go", "w").close()
            again = await other.rerun_async()
            return [left, failed, seen, again.state, again.jobs["waits"].attempt, other.results()]

        print(json.dumps(asyncio.run(main())))
        """,
    )
    assert told == [{}, ["waits"], "CANCELLED", "SUCCEEDED", 2, {}]


def test_a_program_with_an_event_loop_launches_once(shell):
    shell.write("go", "")
    told = told_by(
        shell,
        """
        import asyncio, json
        from nrun import Experiment, Script

        def same():
            exp = Experiment("once")
            exp.add(Script(inline="test -e go", entrypoint="sh"), name="job")
            return exp

        async def main():
            done = await asyncio.gather(*(same().launch_async() for _ in range(3)))
            done.append(await same().launch_async(detach=True))
            return [[one.id for one in done], [one.warnings[-1].partition(": ")[2] for one in done if one.warnings]]

        print(json.dumps(asyncio.run(main())))
        """,
    )
    assert len(set(told[0])) == 1
    assert told[1].count("it has succeeded, so nothing was done") >= 1
    assert len(told[1]) == 3, "one of the four ran it"


@pytest.mark.parametrize("how", ["run()", "launch()", "run_async()", "launch_async()"])
def test_whatever_runs_an_experiment_only_plans_where_a_command_plans(shell, how):
    run = f"asyncio.run(exp.{how})" if "async" in how else f"exp.{how}"
    shell.write(
        "runs.py",
        f"""
        import asyncio
        import nrun as run

        if __name__ == "__main__":
            exp = run.Experiment("planned")
            exp.add(run.Script(inline="touch ran", entrypoint="sh"), name="job")
            print({run}.state.value)
        """,
    )
    done = shell.nrun("plan", "runs.py")
    assert (done.returncode, done.stderr) == (0, "PENDING\n")
    assert "touch ran" in done.stdout
    assert shell.nrun("list", "--json").stdout == "[]\n"


def test_what_no_plugin_brings_says_what_to_install(two):
    done = two.python(
        "-c", "import nrun; nrun.Experiment.from_id('two').archive()", NRUN_DISABLE_PLUGINS="command-housekeeping"
    )
    assert done.returncode == 1
    assert "no installed plugin provides archive_experiments" in done.stderr
