"""A record that was copied, moved, lost in part, or written by another nrun."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nrun import Experiment, LocalExecutor, Partial, Script, Secret, State
from nrun.engine.takeover import recorded_plan
from nrun.errors import RecordError
from nrun.model import Attempt, Bundle, Files, Handle, Place, Submission, Tag
from nrun.packaging.snapshot import keep, survey
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of
from nrun.record import ExperimentFolder
from nrun.record.description import read_description
from nrun_command_housekeeping.rebuild import rebuild_description
from nrun_executor_local.backend import LocalBackend

GREET = Script(inline='echo "hi $NAME $1"\n', entrypoint="sh", args=["you"], env={"NAME": "old\nfriend", "a-b": "c"})


@pytest.fixture
def ended(experiment):
    """An experiment on this machine that has ended: a script, a function, a group, a failure that was tried again."""
    exp = experiment("ended")
    exp.add(GREET, LocalExecutor(env_vars={"ONE": "1"}), "greet")
    exp.add(Partial(divmod, 7, 2), name="divide")
    exp.add([Script(inline="exit 0", entrypoint="sh"), Partial(abs, -3)], name="group")
    exp.add(Script(inline="exit 4", entrypoint="sh"), LocalExecutor(retries=1), "fails", dependencies=["greet"])
    exp.run(check=False)
    return exp


def known(status):
    return {name: (job.state, job.exit_code, job.attempt) for name, job in status.jobs.items()}


def test_a_record_copied_to_another_home_works_there(ended, tmp_path, hooks):
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "home", copy)
    shutil.rmtree(tmp_path / "home")
    exp = Experiment.from_id(ended.id, home=copy, hooks=hooks)
    assert exp.status().state is State.FAILED
    assert exp.logs("greet") == "hi old\nfriend you\n"
    assert exp.job("divide").result() == [3, 1]
    assert known(exp.rerun("greet", check=False))["greet"] == (State.SUCCEEDED, 0, 2)
    assert (copy / "experiments" / "ended" / exp.id / "jobs" / "greet" / "attempt-2" / "exit.json").exists()


def test_a_copy_made_while_a_job_runs_learns_of_its_end_where_it_runs(experiment, tmp_path, hooks):
    exp = experiment()
    gate = tmp_path / "gate"
    waits = f"until [ -e '{gate}' ]; do sleep 0.02; done; exit 5"
    exp.add(Script(inline=waits, entrypoint="sh"), LocalExecutor(), "job")

    async def copied():
        running = asyncio.create_task(exp.run_async(check=False))
        while exp.id is None or b'"submitted"' not in (exp.path / "journal.jsonl").read_bytes():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
        shutil.copytree(tmp_path / "home", tmp_path / "copy")
        there = Experiment.from_id(exp.id, home=tmp_path / "copy", hooks=hooks)
        assert (await there.status_async()).jobs["job"].state is State.RUNNING
        gate.touch()
        await running

    asyncio.run(copied())
    there = Experiment.from_id(exp.id, home=tmp_path / "copy", hooks=hooks)
    assert known(there.status()) == {"job": (State.FAILED, 5, 1)}


def test_a_job_of_another_machine_is_not_known_until_its_marker_comes(ended, experiment):
    path = ended.path / "journal.jsonl"
    lines = [line for line in path.read_text().splitlines() if '"ended"' not in line and '"observed"' not in line]
    host = json.loads(next(line for line in lines if '"submitted"' in line))["handle"]["host"]
    path.write_text("\n".join(lines).replace(f'"{host}"', '"elsewhere"') + "\n")
    marker = ended.path / "jobs" / "greet" / "attempt-1" / "exit.json"
    told = marker.read_text()
    marker.unlink()
    exp = experiment.known(ended.id)
    job = exp.status().jobs["greet"]
    assert (job.state, job.reason) == (State.UNKNOWN, "it runs on elsewhere; look from there")
    assert exp.cancel("greet") == {"greet": "it runs on elsewhere; stop it from there"}
    marker.write_text(told)
    assert experiment.known(ended.id).status().jobs["greet"].state is State.SUCCEEDED


@pytest.mark.parametrize("gone", [["experiment.json", "journal.jsonl"], ["journal.jsonl"], ["experiment.json"], []])
def test_an_experiment_is_adopted_from_the_folders_of_its_jobs(ended, tmp_path, hooks, gone):
    before, place = known(ended.status()), tmp_path / "found" / "ended" / ended.id
    shutil.copytree(ended.path, place)
    for name in gone:
        (place / name).unlink()
    if "experiment.json" in gone:
        (place / "worker.py").unlink()
    home = tmp_path / "other"
    exp = Experiment.adopt(place, home=home, hooks=hooks)
    assert known(exp.status()) == before
    assert exp.logs("greet") == "hi old\nfriend you\n"
    assert exp.job("divide").result() == [3, 1]
    assert Experiment.from_id(ended.id, home=home, hooks=hooks).status().title == "ended"
    again = exp.rerun(force=True, check=False)
    assert {name: state for name, (state, _, _) in known(again).items()} == {n: s for n, (s, _, _) in before.items()}
    assert exp.logs("greet") == "hi old\nfriend you\n"
    assert exp.job("divide").result() == [3, 1]
    assert exp.job("group").result(1) == 3


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9.-]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("NRUN"))


@given(
    args=st.lists(WORDS, max_size=3),
    env=st.dictionaries(NAMES, WORDS, max_size=3),
    inline=WORDS.filter(bool),
    how=st.sampled_from(["inline", "path", "module"]),
    hidden=st.booleans(),
)
@example(args=["a\r\nb", "||", "exec"], env={"A": "\r"}, inline="\r\n", how="inline", hidden=True)
@settings(deadline=None, max_examples=60)
def test_what_a_script_ran_is_read_from_its_launcher(args, env, inline, how, hidden):
    how_it_runs = {"inline": {"inline": inline}, "path": {"path": "a b.sh"}, "module": {"path": "pkg.mod", "m": True}}
    secret = {"TOKEN": Secret("env:OTHER")} if hidden else {}
    script = Script(**how_it_runs[how], args=args, env=env | secret, entrypoint=["run me", "-x"])
    job = Job(name="job", tasks=(script,), executors=(LocalExecutor(),))
    plan = Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd="/some where", path=(), main=None))
    with tempfile.TemporaryDirectory() as place:
        folder = ExperimentFolder(Path(place), "t", "20260102-153045-123456-a1b2")
        attempt = folder.attempt("job", 1)
        attempt.mkdir(parents=True)
        for name, text in launch_files(launch_of(job, plan)).items():
            (attempt / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        rebuild_description(folder, LocalExecutor())
        description = read_description(folder)
    assert recorded_plan(description).jobs[0].tasks == (script,)
    assert description.surroundings["cwd"] == "/some where"
    assert description.created == 1767367845.0


def test_adopting_finds_jobs_that_still_run(experiment, tmp_path, hooks):
    exp = experiment()
    exp.add(Script(inline="exec sleep 600", entrypoint="sh"), LocalExecutor(), "job")

    async def left():
        running = asyncio.create_task(exp.run_async(check=False))
        while exp.id is None or b'"submitted"' not in (exp.path / "journal.jsonl").read_bytes():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(left())
    for name in ("experiment.json", "journal.jsonl"):
        (exp.path / name).unlink()
    again = Experiment.adopt(exp.path, home=tmp_path / "home", hooks=hooks)
    assert again.status().jobs["job"].state is State.RUNNING
    assert again.cancel() == {}
    assert again.status().jobs["job"].state is State.CANCELLED


def test_what_is_no_experiment_is_not_adopted(ended, tmp_path, hooks):
    home = tmp_path / "other"
    with pytest.raises(RecordError, match="there is no folder"):
        Experiment.adopt(tmp_path / "nothing", home=home, hooks=hooks)
    with pytest.raises(RecordError, match="holds no experiment"):
        Experiment.adopt(tmp_path, home=home, hooks=hooks)
    assert not list(home.glob("experiments/*/*"))
    (tmp_path / "copy").mkdir()
    shutil.copytree(ended.path, tmp_path / "copy" / "ended" / ended.id)
    with pytest.raises(RecordError, match="there is another experiment"):
        Experiment.adopt(tmp_path / "copy" / "ended" / ended.id, home=tmp_path / "home", hooks=hooks)


def test_a_record_of_a_newer_nrun_is_shown_and_left_alone(ended, experiment):
    description, journal = ended.path / "experiment.json", ended.path / "journal.jsonl"
    description.write_text(json.dumps(json.loads(description.read_bytes()) | {"nrun": 9, "mood": "good"}))
    with journal.open("a") as out:
        out.write('{"kind":"dreamt","at":1.0}\n')
    exp, before = experiment.known(ended.id), journal.read_bytes()
    status = exp.status()
    assert known(status)["greet"] == (State.SUCCEEDED, 0, 1)
    (note,) = status.warnings
    assert "version 9 of the record" in note
    assert exp.logs("greet")
    for act in (exp.resume, exp.rerun, exp.cancel, lambda: exp.tag("mine")):
        with pytest.raises(RecordError, match=r"version 9 of the record.*can only be looked at"):
            act()
    assert journal.read_bytes() == before


def test_code_that_was_copied_half_is_copied_again(tmp_path):
    """Whoever submitted died in the middle of it; the attempt is made again under the same number."""
    source, folder, store = tmp_path / "source", tmp_path / "attempt-1", tmp_path / "bundles"
    source.mkdir()
    store.mkdir()
    (source / "link").symlink_to("there")
    bundle = Bundle(keep(survey([Files(source, ["link"])]), store), store)
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "link").symlink_to("there")
    tag = Tag("id", "job", 1)

    async def submitted():
        async with LocalBackend(Place("local")) as backend:
            attempt = Attempt(tag=tag, folder=folder, bundle=bundle)
            submission = Submission(jobs=("job",), files={"job": {"launch.sh": "exit 0\n"}})
            handle = (await backend.submit([submission], {"job": attempt}))[tag]
            assert isinstance(handle, Handle), handle
            while not (await backend.observe([handle]))[handle].state.ended:
                await backend.changes()

    asyncio.run(submitted())
