"""The documentation does what it says: its programs run, its commands work, its links lead somewhere.

`docs/contributing.md` states the rules for code in pages; this is their implementation.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import attrs
import pytest

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"
PAGES = [REPO / "README.md", *sorted(DOCS.rglob("*.md"))]
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
MADE_OF_DOCSTRINGS = {DOCS / "reference" / "hooks.md"}
"""Its blocks are signatures and fragments; tests/architecture compares them with the source."""
TIMEOUT_S = 200
NEED_A_CLUSTER = {"slurm"}
"""Pages by name."""
SCRATCH = "/scratch/me"
"""A folder of the reader's on a cluster; what runs here has one of its own for it."""
PROGRAMS = {"nrun", "python"}
"""What commands in pages may start with to be run; all others (pip, git, uv …) are shown only."""

_FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block of a page: ```` ```language title="file" exit=1 ````."""

    language: str
    text: str
    title: str | None
    exit_code: int


def blocks_of(page: Path, scratch: str = SCRATCH) -> list[Block]:
    found = []
    for fence in _FENCE.finditer(page.read_text("utf-8").replace(SCRATCH, scratch)):
        language, *options = shlex.split(fence["info"])
        given = dict(option.split("=", 1) for option in options)
        found.append(Block(language, fence["text"], given.get("title"), int(given.get("exit", "0"))))
    return found


def commands_of(block: Block) -> list[list[str]]:
    lines = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
    return [words for words in map(shlex.split, lines) if words[0] in PROGRAMS]


def runs_something(page: Path) -> bool:
    return page not in MADE_OF_DOCSTRINGS and any(
        block.language == "python" or (block.language == "console" and commands_of(block)) for block in blocks_of(page)
    )


def environment_in(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NRUN_")}
    return kept | {
        "NRUN_HOME": str(folder / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }


def run(words: list[str], folder: Path, expected: int, where: str) -> str:
    program = sys.executable if words[0] == "python" else shutil.which(words[0], path=environment_in(folder)["PATH"])
    assert program is not None, f"{where}: there is no program {words[0]!r}"
    done = subprocess.run(
        [program, *words[1:]],
        cwd=folder,
        env=environment_in(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == expected, f"{where}: {shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(project: Path) -> None:
    """Let the project be found as if it were installed: nrun reads nothing but this metadata."""
    told = tomllib.loads(project.read_text("utf-8"))["project"]
    info = project.parent / "src" / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    lines = []
    for group, points in told["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {module}" for name, module in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def _services(request, page, tmp_path, monkeypatch):
    """For a page that needs one: a cluster, which the configuration of `ssh` calls `cluster`."""
    if page.stem not in NEED_A_CLUSTER:
        yield
        return
    slurm = request.getfixturevalue("slurm")
    home = tmp_path / "user"
    (home / ".ssh").mkdir(parents=True)
    server = request.getfixturevalue("new_sshd")(env=slurm.env)
    (home / ".ssh" / "config").write_text(server.config.read_text().replace("Host ", "Host cluster ", 1))
    monkeypatch.setenv("HOME", str(home))
    yield
    slurm.reset()


@pytest.mark.usefixtures("_services")
@pytest.mark.timeout(TIMEOUT_S + 100)
@pytest.mark.parametrize("page", [page for page in PAGES if runs_something(page)], ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path):
    shutil.copytree(DOCS / "examples", tmp_path / "docs" / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for number, block in enumerate(blocks_of(page, scratch=str(tmp_path / "scratch")), 1):
        where = f"{page.relative_to(REPO)}, block {number}"
        if block.title is not None:
            file = tmp_path / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
            if file.name == "pyproject.toml":
                install(file)
        elif block.language == "python":
            file = tmp_path / f"block_{number}.py"
            file.write_text(block.text, "utf-8")
            run(["python", file.name], tmp_path, block.exit_code, where)
        elif block.language == "console":
            for words in commands_of(block):
                run(words, tmp_path, block.exit_code, where)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_as_a_script_and_under_nrun(example, tmp_path):
    run(["python", str(example)], tmp_path, 0, "as a script")
    run(["nrun", "run", str(example)], tmp_path, 0, "under nrun run")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_planned_without_writing_anything(example, tmp_path):
    assert "launch.sh" in run(["nrun", "plan", str(example)], tmp_path, 0, "nrun plan")
    assert not (tmp_path / "home").exists()


def test_the_twelve_lines_of_the_readme_print_what_the_job_printed(tmp_path):
    first = next(block for block in blocks_of(REPO / "README.md") if block.language == "python")
    assert len(first.text.splitlines()) <= 12
    (tmp_path / "twelve.py").write_text(first.text)
    run(["python", "twelve.py"], tmp_path, 0, "README.md")
    assert [log.read_text() for log in (tmp_path / "home").rglob("out.log")] == ["hi\n"]


# ---- links


def targets_of(page: Path) -> list[str]:
    prose = _FENCE.sub("", page.read_text("utf-8"))
    return [m["target"] for m in _LINK.finditer(prose) if not re.match(r"[a-z]+:", m["target"])]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a renderer makes of the headings: lower case, spaces as dashes, no punctuation."""
    titles = _HEADING.findall(_FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def linked_from(page: Path) -> set[Path]:
    files = {(page.parent / unquote(target.partition("#")[0])).resolve() for target in targets_of(page)}
    inside = {file for folder in files if folder.is_dir() for file in folder.rglob("*")}
    return files | inside


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_every_relative_link_of_a_page_leads_somewhere(page):
    broken = []
    for target in targets_of(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(target)
    assert broken == []


def test_every_file_of_the_documentation_is_reached_from_its_index():
    reached: set[Path] = set()
    pending = [DOCS / "index.md"]
    while pending:
        page = pending.pop()
        if page not in reached:
            reached.add(page)
            if page.suffix == ".md":
                pending += [file for file in linked_from(page) if file.is_file() and file.is_relative_to(DOCS)]
    everything = {file for file in DOCS.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert sorted(str(file.relative_to(DOCS)) for file in everything - reached) == []
