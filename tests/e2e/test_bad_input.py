"""Bad input gets one clear error, the right exit code, and leaves nothing behind."""

from __future__ import annotations

import json
import textwrap

import pytest

TWO_JOBS = """
    import nrun as run

    with run.Experiment("hello") as exp:
        exp.add(run.Script(inline="true"), name="first")
        exp.add(run.Script(inline="true"), name="second")
        exp.run()
"""


def script(*lines: str, title: str = "hello") -> str:
    """A script that runs an experiment after doing `lines` to it."""
    body = textwrap.indent("\n".join(lines), "    ")
    return f"import nrun as run\n\nwith run.Experiment({title!a}) as exp:\n{body}\n    exp.run()\n"


def add(arguments: str) -> str:
    return f'exp.add(run.Script(inline="true"), {arguments})'


def contents(shell) -> dict[str, bytes | None]:
    """Everything in the home, by its path."""
    return {
        str(path.relative_to(shell.home)): path.read_bytes() if path.is_file() else None
        for path in sorted(shell.home.rglob("*"))
    }


def assert_one_clear_error(done, *wanted: str, code: int = 2) -> None:
    """It says what is wrong and what to do, once, on stderr, and not as a traceback."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(("error: ", "Usage: "))
    assert done.stderr.lower().count("error: ") == 1
    assert "Traceback" not in done.stderr
    for text in wanted:
        assert text in done.stderr


REFUSED = {
    "executor that is not installed": (
        script(add("executor=run.SkypilotExecutor(nodes=2)")),
        ["SkypilotExecutor", "pip install nrun-executor-skypilot"],
    ),
    "misspelt executor": (
        script(add("executor=run.LocalExecuter()")),
        ["LocalExecuter", "Did you mean 'LocalExecutor'"],
    ),
    "unknown keyword of an executor": (
        script(add("executor=run.LocalExecutor(retrys=1)")),
        ["LocalExecutor takes no argument 'retrys'", "Did you mean 'retries'?", "launch.py:4"],
    ),
    "value that an executor refuses": (
        script(add("executor=run.LocalExecutor(retries=-1)")),
        ["LocalExecutor: 'retries' must be >= 0: -1", "launch.py:4"],
    ),
    "executor that is only a name": (
        script(add('executor="local"')),
        ["an executor is an object such as run.LocalExecutor(), not 'local'", "launch.py:4"],
    ),
    "executor that is a class": (
        script(add("executor=run.LocalExecutor")),
        ["an executor is an object such as run.LocalExecutor()"],
    ),
    "launcher that is only a name": (
        script(add('executor=run.LocalExecutor(launcher="torchrun")')),
        ["LocalExecutor: launcher must be an object", "'torchrun'"],
    ),
    "environment that is no dict": (
        script('exp.add(run.Script(inline="true", env=["A=1"]))'),
        ["Script.env must be a dict"],
    ),
    "arguments that are one text": (
        script('exp.add(run.Script(inline="true", args="-n 3"))'),
        ["Script.args must be a list of words", "write ['-n', '3']"],
    ),
    "unknown keyword of a script": (
        script('exp.add(run.Script(paht="train.sh"))'),
        ["Script takes no argument 'paht'", "Did you mean 'path'?", "launch.py:4"],
    ),
    "unknown argument of a function": (
        "import nrun as run\n\ndef train(steps: int) -> None: ...\n\ntask = run.Partial(train, stpes=3)\n",
        ["train takes no argument 'stpes'", "Did you mean 'steps'?", "launch.py:5"],
    ),
    "unknown dependency": (
        script(add('name="prepare"'), add('name="train", dependencies=["prepaer"]')),
        ["'train' depends on 'prepaer'", "Did you mean 'prepare'?"],
    ),
    "dependency that is no name": (script(add("dependencies=[1]")), ["dependencies must be a list of job names"]),
    "dependencies that are one text": (script(add('dependencies="a"')), ["dependencies must be a list of job names"]),
    "cycle": (
        script(
            add('name="a", dependencies=["c"]'),
            add('name="b", dependencies=["a"]'),
            add('name="c", dependencies=["b"]'),
        ),
        ["wait for each other", "'a' → 'c' → 'b' → 'a'"],
    ),
    "job that waits for itself": (script(add('name="a", dependencies=["a"]')), ["'a' → 'a'"]),
    "duplicate name": (script(add('name="a"'), add('name="a"')), ["a job 'a' already", "choose another name"]),
    "script that does not say what it runs": (script("exp.add(run.Script())"), ["neither path nor inline"]),
    "task that cannot travel": (script("exp.add(lambda: 1)"), ["lambda"]),
    "no experiment": ("x = 1\n", ["adds no job to an Experiment"]),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(("text", "wanted"), REFUSED.values(), ids=REFUSED)
def test_an_experiment_that_cannot_be_planned_is_refused_and_nothing_is_written(shell, command, text, wanted):
    shell.write("launch.py", text)
    done = shell.nrun(command, "launch.py")
    assert_one_clear_error(done, *wanted)
    assert done.stdout == ""
    assert not shell.home.exists()


def test_a_missing_script_file_is_refused_before_anything_is_written(shell):
    shell.write("launch.py", script('exp.add(run.Script(path="train.sh"))'))
    assert_one_clear_error(shell.nrun("run", "launch.py"), "no file 'train.sh'", str(shell.folder / "train.sh"))
    assert not shell.home.exists()


def test_a_missing_launch_file_is_named_with_the_one_that_was_probably_meant(shell):
    shell.write("launch.py", TWO_JOBS)
    assert_one_clear_error(shell.nrun("run", "lunch.py"), "'lunch.py' does not exist", "Did you mean 'launch.py'?")
    shell.write("train.py", "def train():\n    ...\n")
    assert_one_clear_error(shell.nrun("run", "train.py:trian"), "no 'trian' in train.py", "Did you mean 'train'?")
    assert not shell.home.exists()


HOSTILE_NAMES = ["", "../up", "a/b", "/tmp/x", ".", "..", ".hidden", "nul\0", "x" * 300, "\ud800"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_title_that_could_leave_its_folder_is_refused_and_nothing_is_written(shell, name):
    shell.write("launch.py", script(add(""), title=name))
    assert_one_clear_error(shell.nrun("run", "launch.py"), "the title of an experiment", "launch.py:3")
    assert [path.name for path in shell.folder.iterdir()] == ["launch.py"]


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if name], ids=ascii)
def test_a_job_name_that_could_leave_its_folder_is_refused_and_nothing_is_written(shell, name):
    shell.write("launch.py", script(add(f"name={name!a}")))
    assert_one_clear_error(shell.nrun("run", "launch.py"), "the name of a job", "launch.py:4")
    assert [path.name for path in shell.folder.iterdir()] == ["launch.py"]


def test_odd_but_harmless_names_run_and_cannot_steer_the_terminal(shell):
    title, job = "two\nlines \x1b[2J", "-rf $(x) `y` \u202e'\""
    shell.write("launch.py", script(add(f"name={job!a}"), title=title))
    ran = shell.nrun("run", "launch.py")
    assert ran.returncode == 0, ran.stderr
    for done in (ran, shell.nrun("status"), shell.nrun("list")):
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr
    assert json.loads(shell.nrun("status", "--json").stdout)["jobs"][0]["name"] == job


@pytest.mark.parametrize(
    "command", [["run", "launch.py"], ["list"], ["status"], ["logs", "hello", "first"], ["cancel", "hello"]]
)
@pytest.mark.parametrize("home", ["file", "file/below"])
def test_a_home_that_cannot_be_used_is_named(shell, command, home):
    shell.write("launch.py", TWO_JOBS)
    shell.write("file", "not a folder")
    path = str(shell.folder / home)
    assert_one_clear_error(shell.nrun(*command, NRUN_HOME=path), path, "NRUN_HOME")
    assert (shell.folder / "file").read_text() == "not a folder"


@pytest.mark.parametrize("command", ["list", "status", "run"])
def test_a_home_of_a_user_that_does_not_exist_is_named(shell, command):
    shell.write("launch.py", TWO_JOBS)
    words = [command, "launch.py"] if command == "run" else [command]
    assert_one_clear_error(
        shell.nrun(*words, NRUN_HOME="~nobody-of-that-name/runs"), "~nobody-of-that-name", "NRUN_HOME"
    )
    assert [path.name for path in shell.folder.iterdir()] == ["launch.py"]


@pytest.mark.parametrize("command", [["status"], ["logs"], ["cancel"]], ids=" ".join)
@pytest.mark.parametrize(
    "word", ["helo", "latst", "20200101", "../hello", "/", "", "x" * 300], ids=lambda word: word[:10]
)
def test_an_unknown_experiment_is_named_with_those_that_come_close(shell, command, word):
    shell.write("launch.py", TWO_JOBS)
    assert_one_clear_error(shell.nrun(*command, word), "no experiment", "NRUN_HOME")
    assert shell.nrun("run", "launch.py").returncode == 0
    before = contents(shell)
    close = {"helo": "Did you mean 'hello'?", "latst": "Did you mean 'latest'?"}.get(word, "nrun list")
    assert_one_clear_error(shell.nrun(*command, word), f"no experiment {word!r}", close)
    assert contents(shell) == before


def test_the_beginning_of_several_ids_shows_them(shell):
    shell.write("launch.py", TWO_JOBS)
    shell.nrun("run", "launch.py")
    shell.nrun("run", "launch.py")
    ids = [found["id"] for found in json.loads(shell.nrun("list", "--json").stdout)]
    assert_one_clear_error(shell.nrun("status", "2"), "the beginning of 2 ids", *ids)


def test_an_unknown_job_is_named_with_those_there_are(shell):
    shell.write("launch.py", TWO_JOBS)
    shell.nrun("run", "launch.py")
    for command in ("logs", "cancel"):
        done = shell.nrun(command, "hello", "frist")
        assert_one_clear_error(done, "no job 'frist'", "Did you mean 'first'?", "'second'")


def test_a_damaged_line_of_a_journal_is_reported_and_the_rest_stays_readable(shell):
    shell.write("launch.py", TWO_JOBS)
    assert shell.nrun("run", "launch.py").returncode == 0
    (journal,) = shell.home.glob("experiments/hello/*/journal.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = [
        b"\xff\xfe not JSON\n",
        b'{"kind":"no such event","at":1}\n',
        b"[1]\n",
        b'{"kind":"submitted","at":1,"job":["first"],"attempt":1,"handle":{}}\n',
    ]
    journal.write_bytes(b"".join([lines[0], *damaged, *lines[1:]]) + b'{"kind":"ended","at":1')
    status = shell.nrun("status", "--json")
    assert status.returncode == 0, status.stderr
    found = json.loads(status.stdout)
    assert [(job["name"], job["state"]) for job in found["jobs"]] == [("first", "SUCCEEDED"), ("second", "SUCCEEDED")]
    (note,) = found["warnings"]
    assert note.startswith("4 lines are damaged")
    assert str(journal) in note
    assert "4 lines are damaged" in shell.nrun("status").stdout
    (listed,) = json.loads(shell.nrun("list", "--json").stdout)
    assert listed["state"] == "SUCCEEDED"


def test_an_experiment_whose_description_is_damaged_does_not_hide_the_others(shell):
    shell.write("launch.py", TWO_JOBS)
    shell.nrun("run", "launch.py")
    shell.nrun("run", "launch.py")
    newest, older = json.loads(shell.nrun("list", "--json").stdout)
    (shell.home / "experiments" / "hello" / newest["id"] / "experiment.json").write_text('{"cut')
    assert_one_clear_error(shell.nrun("status", newest["id"]), "experiment.json")
    listed = shell.nrun("list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [found["state"] for found in json.loads(listed.stdout)] == ["UNKNOWN", "SUCCEEDED"]
    assert shell.nrun("status", older["id"]).returncode == 0


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["rnu"], ["unknown command 'rnu'", "Did you mean 'run'?"]),
        (["status", "--jsn"], ["--jsn", "--json"]),
        (["run"], ["FILE[:NAME]"]),
        (["plugins", "info", "exectuor-local"], ["exectuor-local", "executor-local"]),
    ],
    ids=" ".join,
)
def test_bad_words_on_the_command_line_are_bad_usage(shell, words, wanted):
    assert_one_clear_error(shell.nrun(*words), *wanted)


def test_failed_jobs_are_one_error_with_exit_code_1(shell):
    shell.write("launch.py", script('exp.add(run.Script(inline="echo the reason >&2; exit 3"), name="bad")'))
    done = shell.nrun("run", "launch.py")
    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert "'bad': FAILED exit code 3" in done.stderr
    assert "the reason" in done.stderr


def test_debug_shows_the_traceback(shell):
    shell.write("launch.py", script(add("executor=run.LocalExecutor(retrys=1)")))
    done = shell.nrun("--debug", "run", "launch.py")
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "did you mean 'retries'?" in done.stderr.lower()


def test_in_plain_python_the_errors_are_those_that_python_code_expects(shell):
    shell.write(
        "check.py",
        """
        import nrun as run

        for make, kind in (
            (lambda: run.LocalExecutor(retrys=1), TypeError),
            (lambda: run.LocalExecutor(retries=-1), ValueError),
            (lambda: run.SkypilotExecutor(), AttributeError),
        ):
            try:
                make()
            except kind as error:
                assert isinstance(error, run.UsageError)
            else:
                raise AssertionError("nothing was raised")
        assert not hasattr(run, "SkypilotExecutor")
        """,
    )
    done = shell.python("check.py")
    assert done.returncode == 0, done.stderr
