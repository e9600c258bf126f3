"""Bad input after an entrypoint: exit code 2, nothing is launched, every problem is told once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
    import enum
    from collections.abc import Callable
    from dataclasses import dataclass, field
    from typing import Literal, Optional

    import nrun as run

    class Colour(enum.Enum):
        RED = "r"
        BLUE = "b"

    @dataclass
    class Leaf:
        x: int = 1
        word: str = ""
        act: Literal["relu", "gelu"] = "relu"
        child: Optional["Leaf"] = None

    @dataclass
    class Two:
        a: Leaf = field(default_factory=Leaf)
        b: Leaf = field(default_factory=Leaf)

    @run.cli.factory
    def leaf(x: int = 1, word: str = "") -> run.Config[Leaf]:
        return run.Config(Leaf, x=x, word=word)

    def called():
        print("called")

    def train(
        two: Two = run.Config(Two),
        word: str = "",
        epochs: int = 1,
        xs: list[int] = [1],
        call: Callable | None = None,
        colour: Colour = Colour.RED,
        keys: dict[str, int] = {},
    ):
        print(two.a.x, two.b.x, two.a.word, word, epochs)

    if __name__ == "__main__":
        run.cli.main(train, enable_executor=ENABLED)
"""
DEEP, DIGITS = 5000, 5000

FILES = {
    "yaml_twice.yaml": "epochs: 1\nepochs: 2\n",
    "json_twice.json": '{"epochs": 1, "epochs": 2}',
    "toml_twice.toml": "epochs = 1\nepochs = 2\n",
    "deep.yaml": f"epochs: {'[' * DEEP}{']' * DEEP}\n",
    "deep.json": f'{{"epochs": {"[" * DEEP}{"]" * DEEP}}}',
    "huge.yaml": f"epochs: {'9' * DIGITS}\n",
    "hostile.yaml": 'two:\n  a: {$target: "os:system", command: "touch pwned"}\n',
    "alias.yaml": 'two:\n  a: {$target: "logging:os.system", command: "touch pwned"}\n',
    "elsewhere.yaml": 'two:\n  a: {$target: "antigravity:fly"}\n',
    "cycle.yaml": "two:\n  a: &a\n    child: *a\n",
    "cycle.json": '{"two": {"a": {"$target": "program:Leaf", "$id": 1, "child": {"$ref": 1}}}}',
    "include.yaml": "$include: [include.yaml]\n",
    "typo.yaml": "two:\n  a: {xx: 1}\nepoch: 3\n",
    "classes.yaml": "two:\n  a: {x: 1}\n  b: {x: 2}\n",
}


@pytest.fixture
def program(shell):
    shell.write("program.py", PROGRAM.replace("ENABLED", "True"))
    for name, text in FILES.items():
        shell.write(name, text)
    return shell


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        (["--dryrum", "--yes"], ["No such option '--dryrum'. Did you mean '--dryrun'?"]),
        (["--yes", "--dryrum"], ["No such option '--dryrum'"]),
        (["--epochs=5"], ["there is no option --epochs"]),
        (["--two.a.x=5"], ["there is no option --two.a.x"]),
        (["--name", "a", "--name", "b"], ["-n / --name is given twice"]),
        (["--load", "classes.yaml", "--yaml=typo.yaml"], ["--load / --yaml is given twice"]),
        (["--direct", "--no-direct"], ["--direct / --no-direct is given twice"]),
        (["epochs=1", "epochs=2"], ["'epochs=1' is lost: 'epochs=2' comes later and undoes it"]),
        (["two.a.x=1", "two.a=leaf"], ["'two.a.x=1' is lost: 'two.a=leaf' comes later and undoes it"]),
        (["epochs=x", "xs=[a]", "colour=purple", "epoch=3"], ["epochs ", "xs[0] ", "colour ", "epoch "]),
        (["epochs="], ["a value is missing here"]),
        (["colour=redd"], ["did you mean RED?"]),
        ([""], ["the name of an argument was expected at its end"]),
        (["epochs"], ["an operator such as = was expected at its end"]),
        (["...nothing=1"], ["it matches nothing"]),
        (["xs[9]=1"], ["has 1 elements, so there is no such one"]),
        (["word!"], ["it is not set, so there is nothing to unset"]),
        (["two.a=leaf(xx=1)"], ["no such argument of leaf"]),
        (["two.a=leef(x=1)"], ["did you mean leaf?"]),
        (["run.executor=local(retry=2)"], ["no such argument of LocalExecutor"]),
        (["run.executor=lokal"], ["did you mean local?"]),
        (["run.executer=local"], ["did you mean executor?"]),
        (["xs=" + "[" * DEEP], ["more than 64 brackets"]),
        (["epochs=" + "9" * DIGITS], ["expected int; got '999"]),
        (["epochs=1e400"], ["expected int; got '1e400'"]),
        (["word=" + "a" * 100_000], ["it is longer than 65536 characters"]),
        (["two.a.child@=two.a"], ["two.a would contain itself"]),
        (["epochs=${epochs}"], ["these refer to each other: epochs → epochs"]),
        (["epochs=1,2"], ["a sweep of 2 values", "add --sweep to run them all"]),
        (["call=os.getcwd"], ["os:getcwd may never be named"]),
        (["--load", "yaml_twice.yaml"], ["the key 'epochs' occurs twice"]),
        (["--load", "json_twice.json"], ["the key 'epochs' occurs twice"]),
        (["--load", "toml_twice.toml"], ["toml_twice.toml: line 2, column 10: the key 'epochs' occurs twice"]),
        (["--load", "deep.yaml"], ["nest"]),
        (["--load", "deep.json"], ["nested"]),
        (["--load", "huge.yaml"], ["a number may have at most 4300 digits"]),
        (["--load", "hostile.yaml"], ["os:system may never be named"]),
        (["--load", "alias.yaml"], ["logging:os.system may not be imported"]),
        (["--load", "elsewhere.yaml"], ["antigravity:fly may not be imported"]),
        (["--load", "cycle.yaml"], ["nothing above has the anchor &a"]),
        (["--load", "cycle.json"], ["$ref"]),
        (["--load", "include.yaml"], ["include one another without end: include.yaml includes include.yaml"]),
        (["--load", "typo.yaml"], ["two.a.xx ", "epoch "]),
        (["--load", "nowhere.yaml"], ["there is no file 'nowhere.yaml'"]),
        (["--set-file", "nowhere"], ["cannot read the items in nowhere"]),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_what_cannot_be_meant_is_told_once_and_nothing_is_launched(program, words, problems):
    done = program.python("program.py", *words)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    for problem in problems:
        assert done.stderr.count(problem) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (program.home / "experiments").exists()
    assert not (program.folder / "pwned").exists()


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["word=os.getcwd"], "1 1  os.getcwd 1"),
        (["word=called"], "1 1  called 1"),
        (["word=null"], "1 1  null 1"),
        (["word=a=b,c:[d"], "1 1  a=b,c:[d 1"),
        (["two.a=leaf(x=3,word='a,b')"], "3 1 a,b  1"),
        (["--load", "classes.yaml"], "1 2   1"),
        (["--yes", "--yes", "epochs=1e2"], "1 1   100"),
        (["epochs+=1", "epochs+=1"], "1 1   3"),
        (["epochs=1", "epochs=2", "--last-wins"], "1 1   2"),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_what_only_looks_like_something_else_is_what_it_says(program, words, printed):
    program.write("program.py", PROGRAM.replace("ENABLED", "False"))
    done = program.python("program.py", *words)
    assert (done.returncode, done.stdout) == (0, f"{printed}\n"), done.stderr


def test_items_come_from_standard_input_in_their_place(program):
    program.write("program.py", PROGRAM.replace("ENABLED", "False"))
    program.write("items.txt", "# one in a line\n\nword=a b\nepochs=3\n")
    with (program.folder / "items.txt").open() as items:
        done = subprocess.run(
            [sys.executable, "program.py", "epochs=2", "@-", "epochs+=1", "--last-wins"],
            cwd=program.folder,
            env=program.env,
            stdin=items,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "1 1  a b 4\n"), done.stderr


def test_a_class_of_the_running_script_is_named_by_its_module(program):
    program.write("program.py", PROGRAM.replace("ENABLED", "False"))
    assert program.python("program.py", "two.a=program:Leaf(x=5)").stdout == "5 1   1\n"


def test_the_commit_is_what_git_says(program):
    program.write("program.py", PROGRAM.replace("ENABLED", "False"))
    refused = program.python("program.py", "word=${git:}")
    assert (refused.returncode, "git does not tell" in refused.stderr) == (2, True)
    git = ["git", "-C", str(program.folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q", "-b", "trunk"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert program.python("program.py", "word=${git:}-${git:branch}").stdout == f"1 1  {commit}-trunk 1\n"
    assert "write ${git:}, ${git:short} or ${git:branch}" in program.python("program.py", "word=${git:x}").stderr


def test_an_executor_takes_arguments_as_any_call_does(program):
    done = program.python("program.py", "run.executor=local(retries=2, env_vars={A: 'b=c,d'})", "--to-json", "-")
    executor = json.loads(done.stdout)["run"]["executor"]
    assert (executor["retries"], executor["env_vars"]) == (2, {"A": "b=c,d"})
