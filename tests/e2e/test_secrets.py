"""A canary is planted as a secret, and looked for wherever nrun writes, prints or starts something: there is none."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

SOURCE = "PLANTED"
CANARY = "canary-7f3a\"91'c2"
FILED = "canary-5b0d-in-a-file"
EXPERIMENT = """
    import os
    import sys
    import time

    import nrun as run

    SECRET, FILED = run.Secret("env:PLANTED"), run.Secret("file:FOLDER/token")


    def succeeds(token, nested):
        time.sleep(0.3)
        assert token[:6] == "canary", len(token)
        assert nested["tokens"] == [os.environ["FILED"], token]
        assert not [name for name in os.environ if name.startswith("NRUN_SECRET_")]
        return {"length": len(token), "token": token}


    def fails(token):
        raise ValueError(f"401: bad token {token!r} and {os.environ['FILED']}")


    def prints(token):
        print("the token is", token, flush=True)


    def experiment():
        executor = run.LocalExecutor(env_vars={"FILED": FILED})
        exp = run.Experiment("canaries", executor=executor)
        exp.add(run.Partial(succeeds, SECRET, {"tokens": [FILED, SECRET]}), name="succeeds")
        exp.add(run.Partial(fails, token=SECRET), name="fails")
        exp.add(run.Partial(prints, SECRET), name="prints")
        check = '[ ${#TOKEN} = 17 ] && [ ${#FILED} = 21 ] && sleep 0.3 && exit $1'
        for code in ("0", "3"):
            script = run.Script(inline=check, args=[code], env={"TOKEN": SECRET})
            exp.add([script, script] if code == "0" else script, name=f"script {code}")
        exp.add(run.Script(inline="true", env={"X": run.Secret("env:MISSING")}), name="refused")
        return exp


    if __name__ == "__main__":
        exp = experiment()
        exp.run(**{word: True for word in sys.argv[1:]})
"""


@pytest.fixture
def planted(shell):
    shell.env[SOURCE] = CANARY
    (shell.folder / "token").write_text(f"{FILED}\n")
    (shell.folder / "token").chmod(0o600)
    shell.write("canaries.py", EXPERIMENT.replace("FOLDER", str(shell.folder)))
    return shell


def has_canary(data: bytes) -> bool:
    return b"canary-" in data


def leaks(home: Path) -> list[str]:
    """What the processes that belong to a home show of the canary: in their arguments, or in an environment that is
    neither the source of the secret nor that of a job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            arguments = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"NRUN_HOME={home}".encode() not in environment:
            continue
        of_a_job = any(entry.startswith(b"NRUN_JOB_DIR=") for entry in environment)
        shown = [] if of_a_job else [entry for entry in environment if not entry.startswith(f"{SOURCE}=".encode())]
        found += [entry.decode() for entry in (*shown, arguments) if has_canary(entry)]
    return found


def watched(shell, *words):
    """Run a command, and look at all processes again and again until it has ended. Gives its output."""
    found, over, looks = [], threading.Event(), 0

    def look():
        nonlocal looks
        while not over.wait(0.03):
            found.extend(leaks(shell.home))
            looks += 1

    watching = threading.Thread(target=look)
    watching.start()
    try:
        done = shell.python(*words)
    finally:
        over.set()
        watching.join()
    assert looks > 0
    assert not found
    return done.stdout + done.stderr


def files_with_canary(shell) -> list[str]:
    kept = {shell.folder / "token"}
    files = [path for path in shell.folder.rglob("*") if path.is_file() and path not in kept]
    assert len(files) > 30
    return [str(path.relative_to(shell.folder)) for path in files if has_canary(path.read_bytes())]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("words", [[], ["tail_logs"], ["detach"]], ids=["attached", "tailed", "detached"])
def test_nothing_but_the_job_sees_a_secret(planted, words):
    said = watched(planted, "canaries.py", *words)
    if words == ["detach"]:
        said += watched(planted, "-m", "nrun", "experiment", "attach", "latest")
    for command in (["status", "--json"], ["status"], ["plan", "canaries.py:experiment"], ["list", "--json"]):
        said += watched(planted, "-m", "nrun", *command)
    assert "fails" in said
    logs = {
        job: watched(planted, "-m", "nrun", "logs", "latest", job)
        for job in ("succeeds", "fails", "prints", "script 3")
    }
    assert logs["prints"] == f"the token is {'*' * len(CANARY)}\n"
    assert "ValueError: 401: bad token" in logs["fails"]
    said += watched(planted, "-m", "nrun", "logs", "latest", "prints", "--follow")
    said += watched(planted, "-c", "import nrun; print(nrun.Experiment.from_id('latest').job('succeeds').result())")
    said += watched(planted, "-c", "import nrun; nrun.Experiment.from_id('latest').job('fails').result()")
    assert "'length': 17, 'token': '***'" in said
    assert "MISSING' is not set" in said
    assert not has_canary((said + "".join(logs.values())).encode())
    (printed,) = files_with_canary(planted)  # what a job itself prints is its own affair
    assert printed.endswith("/jobs/prints/attempt-1/out.log")


def test_the_canary_is_found_where_it_is_not_hidden(shell):
    """Else the test above would show nothing."""
    shell.write("plain.py", "import nrun as run\nexp = run.Experiment('x')\nexp.add(run.Script(inline='true', "
        "env={'HF_TOKEN': 'canary-in-clear-text'}))\nexp.run()\n")  # fmt: skip
    done = shell.python("plain.py")
    assert done.returncode == 0
    assert "HF_TOKEN" in done.stderr
    assert 'run.Secret("env:HF_TOKEN")' in done.stderr
    assert "canary" not in done.stderr
    written = {path.name for path in shell.home.rglob("*") if path.is_file() and has_canary(path.read_bytes())}
    assert written == {"experiment.json", "launch.sh"}


def test_direct_jobs_get_secrets_too(planted):
    program = """
        import nrun as run
        from canaries import FILED, SECRET, fails, succeeds

        exp = run.Experiment("direct", executor=run.DirectExecutor(env_vars={"FILED": FILED}))
        exp.add(run.Partial(succeeds, SECRET, {"tokens": [FILED, SECRET]}), name="succeeds")
        exp.add(run.Partial(fails, SECRET), name="fails")
        exp.add(run.Script(inline='[ ${#TOKEN} = 17 ]', env={"TOKEN": SECRET}), name="script")
        states = {name: job.state for name, job in exp.run(check=False).jobs.items()}
        assert states == {"succeeds": "SUCCEEDED", "fails": "FAILED", "script": "SUCCEEDED"}, states
        assert exp.job("succeeds").result() == {"length": 17, "token": "***"}
    """
    planted.write("direct.py", program)
    done = planted.python("direct.py")
    assert done.returncode == 0, done.stderr
    assert not has_canary((done.stdout + done.stderr).encode())
    assert not [path for path in planted.home.rglob("*") if path.is_file() and has_canary(path.read_bytes())]


def test_secrets_may_be_named_in_files_and_on_the_command_line(planted):
    planted.write(
        "task.py",
        """
        import os
        import nrun as run

        def train(token: str, lr: float = 0.1):
            print(len(token), len(os.environ["TOKEN"]), lr)

        if __name__ == "__main__":
            run.cli.main(train)
        """,
    )
    planted.write("train.json", '{"token": "secret://env/PLANTED", "lr": 0.5}')
    shown = planted.nrun("run", "task.py", "@train.json", "--dryrun")
    assert "secret://env/PLANTED" in shown.stdout + shown.stderr, shown
    env = f"run.executor.env_vars.TOKEN=secret://file/{planted.folder}/token"
    done = planted.nrun("run", "task.py", "@train.json", "lr=0.2", "run.executor=local", env, "--yes")
    assert done.returncode == 0, done
    assert planted.nrun("logs").stdout == "17 21 0.2\n"
    bad = planted.nrun("run", "task.py", "token=secret://nothing", "--yes")
    assert bad.returncode == 2
    assert "resolver:name" in bad.stderr


def test_a_job_that_never_read_its_secrets_leaves_none(planted):
    """Its interpreter of scripts is gone, its folder cannot be entered, or it is stopped at once."""
    planted.write(
        "stopped.py",
        """
        import os, signal
        import nrun as run

        class Stop(run.LocalExecutor):
            pass

        exp = run.Experiment("stopped")
        exp.add(run.Script(inline="true", env={"TOKEN": run.Secret("env:PLANTED")}), name="job")
        from nrun_executor_local import processes
        start = processes.start

        def start_and_kill(*args):
            pid = start(*args)
            os.kill(pid, signal.SIGKILL)
            return pid

        processes.start = start_and_kill
        print(exp.run(check=False).jobs["job"].state)
        """,
    )
    done = planted.python("stopped.py")
    assert "FAILED" in done.stdout, done
    assert not [path for path in planted.home.rglob("*") if path.is_file() and has_canary(path.read_bytes())]


def test_a_backend_that_shows_a_value_in_an_error_shows_it_to_nobody(planted):
    planted.write(
        "talkative.py",
        """
        import nrun as run
        from nrun_executor_local.backend import LocalBackend

        submit, failed = LocalBackend.submit, []

        async def talk(self, submissions, attempts):
            (attempt,) = attempts.values()
            if not failed:
                failed.append(attempt.secrets[""]["TOKEN"].reveal())
                raise run.BackendError(f"401 Unauthorized: token={failed[0]!r}")
            return await submit(self, submissions, attempts)

        LocalBackend.submit = talk
        exp = run.Experiment("talkative")
        exp.add(run.Script(inline="true", env={"TOKEN": run.Secret("env:PLANTED")}), name="job")
        print(exp.run().jobs["job"].control_errors)
        """,
    )
    done = planted.python("talkative.py")
    assert done.returncode == 0, done.stderr
    assert not has_canary((done.stdout + done.stderr).encode())
    (journal,) = planted.home.glob("experiments/*/*/journal.jsonl")
    assert "401 Unauthorized: token='***'" in journal.read_text()


TALKATIVE = """
    from nrun_executor_local.backend import LocalBackend

    submit, leave, seen = LocalBackend.submit, LocalBackend.__aexit__, []

    async def listen(self, submissions, attempts):
        seen.extend(one.secrets[""]["TOKEN"].reveal() for one in attempts.values())
        return await submit(self, submissions, attempts)

    async def talk(self, *error):
        await leave(self, *error)
        if seen:
            try:
                raise KeyError(seen[0])
            except KeyError as error:
                raise {error} from error

    LocalBackend.submit, LocalBackend.__aexit__ = listen, talk
"""


@pytest.mark.parametrize("words", [[], ["--detach"]], ids=["attached", "detached"])
@pytest.mark.parametrize(
    "error", ["RuntimeError(f'401: {seen[0]}')", "OSError(5, 'no answer', seen[0])", "run.BackendError(seen[0])"]
)
def test_an_error_that_escapes_a_run_shows_no_value(planted, error, words):
    (planted.folder / "site").mkdir()
    planted.write(
        "site/sitecustomize.py", "import nrun as run\n" + textwrap.dedent(TALKATIVE.replace("{error}", error))
    )
    planted.write(
        "escapes.py",
        """
        import nrun as run

        exp = run.Experiment("escapes")
        exp.add(run.Script(inline="true", env={"TOKEN": run.Secret("env:PLANTED")}), name="job")
        exp.run()
        """,
    )
    done = planted.nrun("--debug", "run", *words, "escapes.py", PYTHONPATH=str(planted.folder / "site"))
    logs = [log.read_text() for log in planted.home.glob("experiments/*/*/supervisor.log")]
    said = done.stdout + done.stderr + "".join(logs)
    assert "***" in said, said
    assert not has_canary(said.encode())
    assert not [path for path in planted.home.rglob("*") if path.is_file() and has_canary(path.read_bytes())]
    if not words:
        assert done.returncode == 1


def test_the_live_view_shows_no_value_that_a_job_prints(planted):
    wait = "until test -e go; do sleep 0.05; done"
    planted.write(
        "prints.py",
        f"""
        import nrun as run

        exp = run.Experiment("prints")
        exp.add(run.Script(inline="echo it is $TOKEN!; {wait}", env={{"TOKEN": run.Secret("env:PLANTED")}}), name="job")
        exp.run()
        """,
    )
    terminal = planted.terminal("run", "prints.py")
    terminal.read_until("it is ")
    planted.write("go", "")
    shown = terminal.finish()
    assert terminal.process.returncode == 0, shown
    assert "it is ***!" in shown
    assert not has_canary(shown.encode())


def test_a_script_that_is_run_again_says_that_its_secrets_are_gone(planted):
    planted.python("canaries.py")
    (script,) = planted.home.glob("experiments/*/*/jobs/script 3/attempt-1/launch.sh")
    env = {name: value for name, value in planted.env.items() if name not in {"TOKEN", "FILED"}}
    done = subprocess.run(["/bin/sh", script], env=env, check=False, timeout=60)
    assert done.returncode
    assert "this secret was not handed over" in (script.parent / "err.log").read_text()
