"""The commands, run as processes against real jobs on this machine."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest

HELLO = """
    import nrun as run

    with run.Experiment("hello") as exp:
        exp.add(run.Script(inline="echo hi"), executor=run.LocalExecutor())
        exp.run()
"""
FAILING = """
    import nrun as run

    with run.Experiment("mixed") as exp:
        bad = exp.add(run.Script(inline="echo about to fail; echo the reason >&2; exit 3"), name="bad")
        exp.add(run.Script(inline="echo fine"), name="good")
        exp.add(run.Script(inline="echo never"), name="after", dependencies=[bad])
        exp.run()
"""
FUNCTIONS = """
    import nrun as run

    def train(steps: int = 3) -> dict:
        print("training", steps)
        return {"steps": steps}

    def two() -> run.Experiment:
        exp = run.Experiment("two")
        exp.add(run.Script(inline="echo one"))
        exp.add(run.Partial(train, steps=5), name="train")
        return exp

    described = run.Partial(train, steps=7)

    if __name__ == "__main__":
        raise SystemExit("the main guard must not run")
"""
SLOW = """
    import nrun as run

    with run.Experiment("slow") as exp:
        exp.add(run.Script(inline="for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; sleep {seconds}"), name="s")
        exp.run()
"""


def processes_of(experiment: str) -> list[str]:
    """The command lines of processes that carry a tag of the experiment."""
    mark = f"NRUN_TAG={experiment}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_for(condition, seconds: float = 30.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


def listed(shell) -> list[dict]:
    return json.loads(shell.nrun("list", "--json").stdout)


# ---- run


def test_the_readme_example_runs_and_is_found_again(shell):
    shell.write("hello.py", HELLO)
    done = shell.nrun("run", "hello.py")
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED" in done.stdout
    (entry,) = listed(shell)
    assert (entry["title"], entry["state"]) == ("hello", "SUCCEEDED")
    assert [job["state"] for job in entry["jobs"]] == ["SUCCEEDED"]
    assert entry["created"] > 0
    assert shell.nrun("logs", entry["id"]).stdout == "hi\n"


def test_the_same_script_runs_with_python_alone(shell):
    shell.write("hello.py", HELLO)
    assert shell.python("hello.py").returncode == 0
    assert [entry["title"] for entry in listed(shell)] == ["hello"]


def test_a_failed_job_gives_exit_code_one_and_says_which_and_why(shell):
    shell.write("failing.py", FAILING)
    done = shell.nrun("run", "failing.py")
    assert done.returncode == 1
    assert "'bad': FAILED exit code 3" in done.stderr
    assert "the reason" in done.stderr
    assert "'after': SKIPPED dependency 'bad' failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_of_a_run_is_alone_on_stdout_and_has_every_job(shell):
    shell.write("failing.py", FAILING + "    print('chatter of the script')\n")
    done = shell.nrun("run", "--json", "failing.py")
    assert done.returncode == 1
    (status,) = json.loads(done.stdout)
    assert {job["name"]: (job["state"], job["exit_code"]) for job in status["jobs"]} == {
        "bad": ("FAILED", 3),
        "good": ("SUCCEEDED", 0),
        "after": ("SKIPPED", None),
    }


def test_a_function_is_run_as_a_job_without_the_main_guard(shell):
    shell.write("functions.py", FUNCTIONS)
    assert shell.nrun("run", "functions.py:train").returncode == 0
    assert shell.nrun("logs", "train").stdout == "training 3\n"
    read = "import nrun; print(nrun.Experiment.from_id('train').jobs['train'].result())"
    assert shell.python("-c", read).stdout == "{'steps': 3}\n"


@pytest.mark.parametrize(("name", "title", "job"), [("two", "two", "train"), ("described", "train", "described")])
def test_what_a_name_stands_for_is_run(shell, name, title, job):
    shell.write("functions.py", FUNCTIONS)
    done = shell.nrun("run", f"functions.py:{name}")
    assert done.returncode == 0, done.stderr
    (entry,) = listed(shell)
    assert entry["title"] == title
    assert job in [one["name"] for one in entry["jobs"]]


def test_an_experiment_that_the_script_does_not_run_is_run_afterwards(shell):
    shell.write("lazy.py", 'import nrun as run\nexp = run.Experiment("lazy")\nexp.add(run.Script(inline="true"))\n')
    assert shell.nrun("run", "lazy.py").returncode == 0
    assert [entry["state"] for entry in listed(shell)] == ["SUCCEEDED"]


def test_only_what_is_named_is_run_and_what_is_only_looked_at_is_not(shell):
    shell.write(
        "several.py",
        """
        import nrun as run

        old = [run.Experiment.from_id(status.id) for status in run.Experiment.catalog()]
        one = run.Experiment("one")
        one.add(run.Script(inline="true"))
        two = run.Experiment("two")
        two.add(run.Script(inline="true"))
        """,
    )
    assert shell.nrun("run", "several.py:two").returncode == 0
    assert [entry["title"] for entry in listed(shell)] == ["two"]
    done = shell.nrun("run", "--json", "several.py")
    assert [status["title"] for status in json.loads(done.stdout)] == ["one", "two"]
    assert [entry["title"] for entry in listed(shell)] == ["two", "one", "two"]


def test_arguments_after_the_file_are_the_scripts_own(shell):
    shell.write(
        "args.py", "import sys\nprint(sys.argv)\n" + 'import nrun\nnrun.Experiment("a").add(nrun.Script("x"))\n'
    )
    done = shell.nrun("plan", "args.py", "--epochs", "3", "-x", "--json")
    assert "['args.py', '--epochs', '3', '-x', '--json']" in done.stderr


def test_an_error_of_the_script_is_shown_as_python_shows_it(shell):
    shell.write("broken.py", "def f():\n    return 1 / 0\n\nf()\n")
    done = shell.nrun("run", "broken.py")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "line 2, in f" in done.stderr
    assert "nrun/cli" not in done.stderr


def test_an_unguarded_script_with_functions_works(shell):
    shell.write(
        "unguarded.py",
        """
        import nrun as run

        def double(x):
            return 2 * x

        exp = run.Experiment("unguarded")
        exp.add(run.Partial(double, 21), name="double")
        exp.run()
        print("result", exp.jobs["double"].result())
        """,
    )
    done = shell.python("unguarded.py")
    assert done.stdout == "result 42\n", done.stderr
    assert len(listed(shell)) == 1


def test_it_runs_where_an_event_loop_runs_already(shell):
    shell.write(
        "notebook.py",
        """
        import asyncio
        import nrun as run

        async def cell():
            with run.Experiment("cell") as exp:
                exp.add(run.Script(inline="echo hi"), name="job")
                exp.run()
            return exp.jobs["job"].logs()

        print(asyncio.run(cell()), end="")
        """,
    )
    done = shell.python("notebook.py")
    assert done.stdout == "hi\n", done.stderr


# ---- plan


def test_a_plan_is_the_same_text_twice_and_writes_nothing(shell):
    shell.write("failing.py", FAILING)
    first, second = shell.nrun("plan", "failing.py"), shell.nrun("plan", "failing.py")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "after, after bad" not in first.stdout.partition("==>")[0].replace("after on local, ", "")
    assert "exec bash" in first.stdout
    assert not shell.home.exists()


def test_the_plan_is_what_is_run(shell):
    shell.write("hello.py", HELLO)
    (planned,) = json.loads(shell.nrun("plan", "--json", "hello.py").stdout)
    shell.nrun("run", "hello.py")
    (job,) = planned["jobs"]
    (folder,) = shell.home.glob("experiments/hello/*/jobs/echo_hi/attempt-1")
    for name, text in job["files"].items():
        assert (folder / name).read_text() == text


def test_a_plan_stops_where_the_script_wants_a_result(shell):
    shell.write(
        "wants.py",
        FUNCTIONS.partition("    described")[0] + "    exp = two()\n    exp.run()\n    exp.jobs['train'].result()\n",
    )
    done = shell.nrun("plan", "wants.py")
    assert done.returncode == 0, done.stderr
    assert "# experiment two: 2 jobs" in done.stdout
    assert "wants a result" in done.stderr


# ---- looking after experiments


@pytest.mark.parametrize("word", ["latest", "hello", "id", "prefix"])
def test_an_experiment_is_named_in_four_ways(shell, word):
    shell.write("hello.py", HELLO)
    shell.nrun("run", "hello.py")
    id_ = listed(shell)[0]["id"]
    word = {"id": id_, "prefix": id_[:12]}.get(word, word)
    done = shell.nrun("status", word, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == id_


def test_status_of_a_failed_experiment_exits_with_one(shell):
    shell.write("failing.py", FAILING)
    shell.nrun("run", "failing.py")
    done = shell.nrun("experiment", "status", "mixed")
    assert done.returncode == 1
    assert "exit code 3" in done.stdout


def test_a_title_means_its_newest_run(shell):
    shell.write("hello.py", HELLO)
    shell.nrun("run", "hello.py")
    shell.nrun("run", "hello.py")
    newest, older = (entry["id"] for entry in listed(shell))
    assert newest > older
    assert json.loads(shell.nrun("status", "hello", "--json").stdout)["id"] == newest
    ambiguous = shell.nrun("status", newest[:4])
    assert ambiguous.returncode == 2
    assert newest in ambiguous.stderr
    assert older in ambiguous.stderr


def test_logs_of_one_job_by_stream_and_tail(shell):
    shell.write("failing.py", FAILING)
    shell.nrun("run", "failing.py")
    assert shell.nrun("logs", "mixed", "bad", "--stream", "err").stdout == "the reason\n"
    assert shell.nrun("logs", "mixed", "bad", "--tail", "1").stdout == "about to fail\nthe reason\n"
    assert shell.nrun("logs", "mixed", "bad", "--tail", "0").stdout == ""
    assert json.loads(shell.nrun("logs", "mixed", "bad", "--json").stdout) == {
        "job": "bad",
        "out": "about to fail\n",
        "err": "the reason\n",
    }
    unknown = shell.nrun("logs", "mixed", "god")
    assert unknown.returncode == 2
    assert "Did you mean 'good'?" in unknown.stderr


def test_a_log_is_followed_from_another_process_until_the_job_ends(shell):
    shell.write("slow.py", SLOW.format(seconds=0.1))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/out.log")))
    followed = shell.nrun("logs", "slow", "--follow")
    assert followed.stdout == "".join(f"line {i}\n" for i in range(1, 6)), followed.stderr
    running.communicate(timeout=30)
    assert running.returncode == 0


def test_status_from_another_process_while_it_runs(shell):
    shell.write("slow.py", SLOW.format(seconds=60))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    done = shell.nrun("status", "--json")
    assert done.returncode == 3
    (job,) = json.loads(done.stdout)["jobs"]
    assert (job["state"], job["source"]) == ("RUNNING", "process table")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)


def test_cancel_from_another_process_stops_every_process_of_the_job(shell):
    shell.write("slow.py", SLOW.format(seconds=60))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    id_ = listed(shell)[0]["id"]
    done = shell.nrun("cancel", "latest", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"id": id_, "cancelled": ["s"], "ended_before": [], "left": {}}
    assert processes_of(id_) == []
    _, told = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "CANCELLED" in told
    again = shell.nrun("cancel", "latest", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["ended_before"] == ["s"]


def test_ctrl_c_stops_what_runs_here_if_it_is_to_records_it_and_says_so(shell):
    shell.env["NRUN_ON_INTERRUPT"] = "cancel"
    shell.write("slow.py", SLOW.format(seconds=60))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    (entry,) = listed(shell)
    assert entry["state"] == "CANCELLED"
    assert processes_of(entry["id"]) == []


def test_a_second_ctrl_c_gives_no_more_grace_and_leaves_no_process(shell):
    shell.env["NRUN_ON_INTERRUPT"] = "cancel"
    shell.write(
        "deaf.py", SLOW.format(seconds=0).replace("for i in", "trap '' TERM; while :; do sleep 1; done; for i in")
    )
    running = shell.start("run", "deaf.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    id_ = listed(shell)[0]["id"]
    wait_for(lambda: len(processes_of(id_)) > 1)
    running.send_signal(signal.SIGINT)
    wait_for(lambda: "cancel" in next(shell.home.glob("experiments/slow/*/journal.jsonl")).read_text())
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130
    wait_for(lambda: processes_of(id_) == [])
    assert listed(shell)[0]["state"] in {"CANCELLED", "RUNNING"}
    assert json.loads(shell.nrun("status", "--json").stdout)["state"] == "CANCELLED"


def test_a_terminated_launcher_stops_what_runs_here_if_it_is_to(shell):
    shell.env["NRUN_ON_INTERRUPT"] = "cancel"
    shell.write("slow.py", SLOW.format(seconds=60))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == 143
    (entry,) = listed(shell)
    assert entry["state"] == "CANCELLED"
    assert processes_of(entry["id"]) == []


def test_a_killed_launcher_harms_no_job_and_status_tells_the_truth(shell):
    shell.write("slow.py", SLOW.format(seconds=1))
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    running.kill()
    running.communicate(timeout=30)
    wait_for(lambda: json.loads(shell.nrun("status", "--json").stdout)["state"] == "SUCCEEDED")
    assert shell.nrun("logs").stdout.endswith("line 5\n")


def test_cancelling_what_a_killed_launcher_left_leaves_nothing_open(shell):
    shell.write(
        "slow.py",
        SLOW.format(seconds=60).replace(
            "exp.run()", 'exp.add(run.Script(inline="true"), name="t", dependencies=["s"])\n        exp.run()'
        ),
    )
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    running.kill()
    running.communicate(timeout=30)
    assert "nobody looks after" in shell.nrun("status").stdout
    assert shell.nrun("cancel", "slow").returncode == 0
    status = json.loads(shell.nrun("status", "--json").stdout)
    assert [job["state"] for job in status["jobs"]] == ["CANCELLED", "CANCELLED"]
    assert processes_of(status["id"]) == []


def test_a_job_that_waits_for_another_is_cancelled_before_it_starts(shell):
    shell.write(
        "slow.py",
        SLOW.format(seconds=0.5).replace(
            "exp.run()", 'exp.add(run.Script(inline="true"), name="t", dependencies=["s"])\n        exp.run()'
        ),
    )
    running = shell.start("run", "slow.py")
    wait_for(lambda: any(shell.home.glob("experiments/slow/*/jobs/s/attempt-1/start.json")))
    assert shell.nrun("cancel", "slow", "t").returncode == 0
    running.communicate(timeout=30)
    assert running.returncode == 1
    jobs = {job["name"]: job["state"] for job in json.loads(shell.nrun("status", "--json").stdout)["jobs"]}
    assert jobs == {"s": "SUCCEEDED", "t": "CANCELLED"}


# ---- plugins


def test_every_feature_comes_from_a_plugin(shell):
    plugins = json.loads(shell.nrun("plugins", "list", "--json").stdout)
    provides = {plugin["distribution"]: plugin["provides"] for plugin in plugins}
    assert provides["nrun-executor-local"]["executor"] == ["local", "direct"]
    assert provides["nrun-command-run"]["command"] == ["run", "launch"]
    assert provides["nrun-command-plan"]["command"] == ["plan"]
    assert "plugins" in provides["nrun-command-plugins"]["command"]
    assert {"list", "status", "logs", "cancel"} <= set(provides["nrun-command-experiment"]["command"])
    bare = shell.nrun("--help", NRUN_PLUGINS="")
    assert bare.returncode == 0
    assert "(none)" in bare.stdout
    assert shell.nrun("--version", NRUN_PLUGINS="").stdout.startswith("nrun ")


def test_info_shows_the_fields_of_an_executor(shell):
    done = shell.nrun("plugins", "info", "executor-local", "--json")
    executor, _ = [one for one in json.loads(done.stdout)["declarations"] if one["kind"] == "executor"]
    assert {"env_vars", "retries", "timeout_s"} <= {field["name"] for field in executor["fields"]}
    assert shell.nrun("plugins", "info", "exekutor-local").returncode == 2


def test_a_broken_plugin_costs_one_line_and_the_doctor_explains_it(shell):
    info = shell.folder / "site" / "nrun_broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[nrun.v1]\nbroken = nrun_broken_plugin\n")
    (shell.folder / "site" / "nrun_broken_plugin.py").write_text("import a_library_that_is_not_there\n")
    shell.write("hello.py", HELLO)
    path = {"PYTHONPATH": str(shell.folder / "site")}
    assert shell.nrun("plugins", "doctor").returncode == 0
    done = shell.nrun("run", "hello.py", **path)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "broken" in line] == [
        "nrun: 1 plugin failed to load (broken); see `nrun plugins doctor`"
    ]
    doctor = shell.nrun("plugins", "doctor", **path)
    assert doctor.returncode == 1
    assert "a_library_that_is_not_there" in doctor.stdout
    named = shell.python("-c", "import nrun; nrun.BrokenExecutor", **path)
    assert "a_library_that_is_not_there" in named.stderr


# ---- help


COMMANDS = [
    ["run"],
    ["launch"],
    ["plan"],
    ["list"],
    ["status"],
    ["logs"],
    ["cancel"],
    ["resume"],
    ["attach"],
    ["rerun"],
    ["show"],
    ["diff"],
    ["results"],
    ["artifacts"],
    ["artifacts", "list"],
    ["artifacts", "get"],
    ["experiment"],
    ["experiment", "list"],
    ["plugins"],
    ["plugins", "list"],
    ["plugins", "info"],
    ["plugins", "doctor"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_examples(shell, command):
    done = shell.nrun(*command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout


def test_completion_knows_commands_and_experiments(shell):
    shell.write("hello.py", HELLO)
    shell.nrun("run", "hello.py")
    complete = {"_NRUN_COMPLETE": "bash_complete", "COMP_CWORD": "2", "COMP_WORDS": "nrun status he"}
    assert "hello" in shell.nrun(**complete).stdout
    complete = {"_NRUN_COMPLETE": "bash_complete", "COMP_CWORD": "1", "COMP_WORDS": "nrun st"}
    assert "status" in shell.nrun(**complete).stdout


def test_output_into_a_closed_pipe_is_no_error(shell):
    shell.write("hello.py", HELLO)
    command = f"{Path(sys.executable).parent / 'nrun'} plan hello.py"
    done = shell.python("-c", f"import os, sys; sys.exit(os.system({command!r} + ' | true'))")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
