"""`nrun launch`: done is skipped, running is followed, failed is tried again, changed is new."""

from __future__ import annotations

import json

import pytest

SCRIPT = """
    import nrun as run
    import helper

    if __name__ == "__main__":
        with run.Experiment("once") as exp:
            exp.add(run.Script(inline="{command}"), name="job")
            exp.add(run.Script(inline="true"), name="next", dependencies=["job"])
            exp.run()
"""


@pytest.fixture
def once(shell):
    shell.write("helper.py", "RATE = 1")
    shell.write("once.py", SCRIPT.format(command="echo ran"))
    return shell


def launch(shell, *words):
    done = shell.nrun("launch", *words, "--json", "once.py")
    return done, json.loads(done.stdout)[0] if done.stdout else None


def count(shell):
    return len(json.loads(shell.nrun("list", "--json").stdout))


def test_what_is_done_is_not_done_again(once):
    first, one = launch(once)
    second, two = launch(once)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert two["id"] == one["id"]
    assert [job["attempt"] for job in two["jobs"]] == [1, 1]
    assert count(once) == 1


@pytest.mark.parametrize("changed", ["helper.py", "once.py"])
def test_a_change_of_the_code_or_the_configuration_makes_it_another(once, changed):
    launch(once)
    once.write("helper.py", "RATE = 2") if changed == "helper.py" else once.write(
        "once.py", SCRIPT.format(command="echo ran differently")
    )
    assert launch(once)[0].returncode == 0
    assert count(once) == 2


def test_what_failed_is_run_again_and_what_succeeded_is_not(shell):
    shell.write("helper.py", "")
    shell.write("once.py", SCRIPT.format(command=f"test -e {shell.folder}/go").replace('dependencies=["job"]', ""))
    assert launch(shell)[0].returncode == 1
    (shell.folder / "go").touch()
    done, status = launch(shell)
    assert done.returncode == 0, done.stderr
    assert {job["name"]: job["attempt"] for job in status["jobs"]} == {"job": 2, "next": 1}
    assert count(shell) == 1


def test_what_runs_is_followed_to_its_end(shell):
    shell.write("helper.py", "")
    shell.write("once.py", SCRIPT.format(command=f"until test -e {shell.folder}/go; do sleep 0.05; done"))
    assert launch(shell, "--detach")[0].returncode == 0
    done, status = launch(shell, "--detach")
    assert (done.returncode, status["state"]) == (0, "RUNNING")
    (shell.folder / "go").touch()
    done, status = launch(shell)
    assert (done.returncode, status["state"]) == (0, "SUCCEEDED")
    assert count(shell) == 1


def test_in_python_the_status_says_what_was_done(once):
    once.write(
        "twice.py",
        """
        import nrun as run

        if __name__ == "__main__":
            for _ in range(2):
                exp = run.Experiment("twice")
                exp.add(run.Script(inline="true"), name="job")
                status = exp.launch()
            print(status.warnings[-1].partition(": ")[2], exp.jobs["job"].state)
        """,
    )
    assert once.python("twice.py").stdout == "it has succeeded, so nothing was done SUCCEEDED\n"


def test_run_runs_whatever_was_launched(once):
    launch(once)
    assert once.nrun("run", "once.py").returncode == 0
    assert count(once) == 2
