"""One Tab in real shells, and what it is answered from."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRAIN = """
    from __future__ import annotations
    import sys
    from dataclasses import dataclass
    from pathlib import Path
    from typing import Literal
    import nrun as run

    with open("imported", "a") as file:
        file.write("x")

    @dataclass
    class Optimizer:
        lr: float = 1e-3
        betas: tuple[float, float] = (0.9, 0.999)

    @run.cli.factory
    def adam(lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)) -> run.Config[Optimizer]:
        '''The usual.'''
        return run.Config(Optimizer, lr=lr, betas=betas)

    @run.cli.entrypoint
    def train(optimizer: Optimizer, act: Literal["relu", "gelu"] = "relu", seed: int = 1):
        '''Train a model.'''

    def start():
        return run.Partial(train, optimizer=run.Config(Optimizer))

    if __name__ == "__main__":
        Path("launched").touch()
        run.cli.main(train, default_factory=start)
"""
FLAT = "import nrun\n\n@nrun.cli.entrypoint\ndef go(speed: int = 1, fast: bool = False): ...\n"
BIN = Path(sys.executable).parent
COMPLETE = ("-P", "-m", "nrun_language_overrides.completion", "fish")


@pytest.fixture
def tab(shell):
    """What is offered for the last of some words."""

    def offered(*words: str, **env: str) -> list[str]:
        done = shell.python(*COMPLETE, *words, **env)
        assert done.stderr == ""
        return [line.partition("\t")[0] for line in done.stdout.splitlines()]

    return offered


def imports(shell) -> int:
    file = shell.folder / "imported"
    return len(file.read_text()) if file.exists() else 0


def index_files(shell) -> list[Path]:
    return sorted((shell.home / "cache" / "completion").glob("*"))


# ---- what it is answered from


def test_a_script_is_imported_once_and_then_no_more_until_it_changes(shell, tab):
    script = shell.write("train.py", TRAIN)
    assert tab("python", "train.py", "se") == ["seed="]
    assert imports(shell) == 1
    assert tab("python", "train.py", "act=") == ["act=relu", "act=gelu"]
    assert imports(shell) == 1
    assert not (shell.folder / "launched").exists()
    script.write_text(script.read_text().replace("seed", "sleep"))
    assert tab("python", "train.py", "se") == []
    assert tab("python", "train.py", "sl") == ["sleep="]
    assert imports(shell) == 2


@pytest.mark.parametrize("words", [["train.py"], ["-m", "nrun", "run", "train.py:train"]], ids=["script", "named"])
def test_an_entrypoint_that_was_used_is_known_without_being_imported(shell, tab, words):
    shell.write("train.py", TRAIN)
    shell.python(*words, "--help")
    (file,) = index_files(shell)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = imports(shell)
    prefix = ["python", "train.py"] if words == ["train.py"] else words[1:]
    assert tab(*prefix, "optimizer=adam(b") == ["optimizer=adam(betas="]
    assert imports(shell) == before


def test_a_run_keeps_what_is_known_and_a_plan_writes_nothing(shell):
    shell.write("flat.py", FLAT)
    assert shell.nrun("plan", "flat.py:go").returncode == 0
    assert not shell.home.exists()
    assert shell.nrun("run", "flat.py:go").returncode == 0
    assert len(index_files(shell)) == 1


def test_trouble_with_the_index_does_not_disturb_the_command(shell):
    shell.write("flat.py", FLAT)
    shell.home.mkdir()
    (shell.home / "cache").write_text("in the way")
    done = shell.nrun("run", "flat.py:go", "speed=2")
    assert done.returncode == 0
    assert "cache" not in done.stderr


def test_a_tab_runs_no_script_that_launches_without_a_guard(shell, tab):
    shell.write(
        "bare.py",
        "import nrun\n\ndef work(x: int = 4): ...\n\nwith nrun.Experiment('e') as exp:\n"
        "    exp.add(nrun.Partial(work))\n    exp.run()\n",
    )
    assert tab("nrun", "run", "bare.py:work", "x") == ["x=", "x+=", "x-=", "x*=", "x/="]
    assert not (shell.home / "experiments").exists()


def test_a_script_without_nrun_is_not_touched(shell, tab):
    shell.write("plain.py", "open('imported', 'w').write('x')\n")
    assert tab("python", "plain.py", "pl") == ["plain.py"]
    assert imports(shell) == 0
    assert index_files(shell) == []


def test_a_script_that_cannot_be_imported_is_tried_once(shell, tab):
    shell.write("bad.py", "import nrun\nopen('imported', 'a').write('x')\nraise SystemExit(1)\n")
    assert tab("python", "bad.py", "ba") == ["bad.py"]
    assert tab("python", "bad.py", "ba") == ["bad.py"]
    assert imports(shell) == 1


# ---- what is offered


def test_names_in_a_file_are_read_and_not_imported(shell, tab):
    shell.write("train.py", TRAIN)
    assert tab("nrun", "run", "tr") == ["train.py"]
    assert tab("nrun", "run", "train.py:") == ["train.py:train"]
    shell.write(
        "many.py", "import nrun as run\nexp = run.Experiment('e')\ndef a() -> run.Experiment: ...\ndef b(): ...\n"
    )
    assert tab("nrun", "plan", "many.py:") == ["many.py:exp", "many.py:a"]
    shell.write("broken.py", "def a(:\n")
    assert tab("nrun", "plan", "broken.py:") == []
    assert imports(shell) == 0


def test_options_come_with_their_values(shell, tab):
    shell.write("train.py", TRAIN)
    assert tab("python", "train.py", "--err") == ["--errors"]
    assert tab("python", "train.py", "--errors", "") == ["text", "json"]
    assert tab("python", "train.py", "--errors=j") == ["--errors=json"]
    assert tab("python", "train.py", "--load", "tr") == ["train.py"]
    assert tab("python", "train.py", "--plan", "se") == ["seed="]
    assert tab("nrun", "run", "--js") == ["--json"]
    assert tab("nrun", "run", "train.py", "--pl") == ["--plan"]


def test_experiments_and_jobs_come_from_the_record(shell, tab):
    shell.write("flat.py", FLAT)
    shell.nrun("run", "flat.py:go", "--name", "first")
    assert tab("nrun", "status", "la") == ["latest"]
    assert tab("nrun", "status", "fi") == ["first"]
    (folder,) = shell.home.glob("experiments/first/*")
    assert tab("nrun", "logs", folder.name[:8]) == [folder.name]
    assert tab("nrun", "logs", "first", "") == ["first"]
    assert tab("nrun", "experiment", "cancel", "latest", "f") == ["first"]
    assert tab("nrun", "logs", "nothing", "") == []


def test_installed_entrypoints_are_known_by_their_namespace(shell, tab):
    package = shell.folder / "src" / "team"
    info = shell.folder / "src" / "nrun_team-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nrun-team\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nrun.v1]\nteam = team.plugin\n")
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(
        "from nrun import CommandSpec, hookimpl\n\n@hookimpl\ndef nrun_commands():\n"
        "    yield CommandSpec(name='team', summary='Recipes', command=load)\n\n"
        "def load():\n    import nrun\n    from team import recipes\n    return nrun.cli.group(recipes, name='team')\n"
    )
    recipes = package / "recipes.py"
    quick = "\n@nrun.cli.factory(target=go)\ndef quick(): ...\n"
    recipes.write_text("open('imported', 'a').write('x')\n" + FLAT + quick)
    path = {"PYTHONPATH": str(shell.folder / "src")}
    assert tab("nrun", "tea", **path) == ["team"]
    assert imports(shell) == 1
    assert tab("nrun", "team", "", **path) == ["go"]
    assert tab("nrun", "team", "go", "fast=t", **path) == ["fast=true"]
    assert tab("nrun", "team", "go", "--factory", "q", **path) == ["quick"]
    assert imports(shell) == 1
    # Of another size, because Python knows its bytecode by size and second.
    recipes.write_text(recipes.read_text().replace("fast", "careful"))
    assert tab("nrun", "team", "go", "careful=t", **path) == ["careful=true"]
    assert tab("nrun", "tea") == []


# ---- real shells


class Terminal:
    """An interactive shell under a pseudo terminal, in which keys are pressed."""

    def __init__(self, argv: list[str], shell, start: str) -> None:
        env = shell.env | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "TERM": "dumb",
            "PS1": "> ",
            "LC_ALL": "C.UTF-8",
        }
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(shell.folder)
            os.execvpe(argv[0], argv, env)
        self.press(f"{start}; echo BE''GIN\n", "BEGIN\r?\n")

    def press(self, keys: str, until: str) -> str:
        """Press keys and give what the terminal shows until that matches, or for ten seconds."""
        os.write(self.fd, keys.encode())
        shown, end = "", time.monotonic() + 10
        while not re.search(until, shown) and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                shown += os.read(self.fd, 65536).decode(errors="replace").replace("\x07", "")
        return shown

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


STARTS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        'bind "set enable-bracketed-paste off"; eval "$(nrun completion bash)"',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unset zle_bracketed_paste; PS1='> '; autoload -Uz compinit; compinit -D; eval \"$(nrun completion zsh)\"",
    ),
}


@pytest.fixture(params=STARTS)
def terminal(request, shell):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    shell.write("train.py", TRAIN)
    shell.write("base.yaml", "seed: 1\n")
    opened = Terminal(STARTS[request.param][0], shell, STARTS[request.param][1])
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("nrun ru", "nrun run "),
        ("nrun run trai", "nrun run train.py"),
        ("nrun run train.py:tr", "nrun run train.py:train "),
        ("nrun run train.py:train se", "nrun run train.py:train seed="),
        ("nrun run train.py:train act=g", "nrun run train.py:train act=gelu "),
        ("python train.py opti", "python train.py optimizer"),
        ("python train.py optimizer.l", "python train.py optimizer.lr="),
        ("python train.py optimizer=a", "python train.py optimizer=adam"),
        ("python train.py optimizer=adam\\(b", "python train.py optimizer=adam\\(betas="),
        ('python train.py "optimizer=adam(l', 'python train.py "optimizer=adam(lr='),
        ("python train.py 'optimizer=adam(lr=1, b", "python train.py 'optimizer=adam(lr=1, betas="),
        ("A=1 python train.py --tail", "A=1 python train.py --tail-logs "),
        ("python train.py @ba", "python train.py @base.yaml "),
        ("python train.py optimizer=@ba", "python train.py optimizer=@base.yaml "),
        ("echo; nrun plan train.py:train act=r", "echo; nrun plan train.py:train act=relu "),
    ],
)
def test_a_tab_completes_the_line(terminal, typed, completed):
    shown = terminal.press(typed + "\t", re.escape(completed) + r"(?![\w'\"])")
    assert shown.endswith(completed)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("nrun ru", ["run"]),
        ("nrun run train.py:t", ["train.py:train"]),
        ("nrun run train.py:train act=", ["act=gelu", "act=relu"]),
        ("python train.py se", ["seed="]),
        ('python train.py "optimizer=adam(l', ["optimizer=adam(lr="]),
        ("python train.py optimizer=adam\\(lr=1,b", ["optimizer=adam(lr=1,betas="]),
    ],
)
def test_fish_offers_what_is_known(shell, typed, offered):
    shell.write("train.py", TRAIN)
    program = "nrun completion fish | source; complete -C $argv[1]"
    env = shell.env | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["fish", "--no-config", "-c", program, typed],
        cwd=shell.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == offered


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_for_bash_passes_shellcheck(shell):
    script = shell.write("nrun.bash", shell.nrun("completion", "bash").stdout)
    done = subprocess.run(
        ["shellcheck", "--shell=bash", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
