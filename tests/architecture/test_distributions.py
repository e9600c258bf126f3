"""Each distribution declares what it imports, and installs and works alone beside the kernel."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = {
    tomllib.loads(path.read_text("utf-8"))["project"]["name"]: path.parent
    for path in sorted((*ROOT.glob("kernel/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")))
    + sorted(ROOT.glob("contrib/*/pyproject.toml"))
}
PLUGINS = sorted(set(PROJECTS) - {"nrun-kernel"})
IMPORTED_AS = {"attr": "attrs", "nrun": "nrun-kernel", "yaml": "pyyaml"}
"""Import name -> distribution, where the two differ by more than dashes."""

OTHERS_PACKAGES = {"attrs", "cattrs", "click", "pathspec", "pluggy", "typing-extensions"}
"""What the default install brings that is not ours. Each of ours is one plugin, so their number says little."""
MOST_MEGABYTES = 25

LIST_PLUGINS = """
import json
from nrun.plugins import installed
hooks = installed()
names = {}
for kind in (
    "executors", "packagers", "launchers", "containers", "transports", "secrets", "formats", "languages",
    "commands", "checks",
):
    for found in getattr(hooks, kind):
        names.setdefault(found.plugin, []).append(f"{kind}:{found.spec.name}")
        for field in (
            "executor", "backend", "packager", "launcher", "container", "tunnel", "resolver", "format", "language",
            "command",
        ):
            if hasattr(found.spec, field):
                getattr(found.spec, field)()
print(json.dumps({record.name: [record.state, names.get(record.name, [])] for record in hooks.host.records}))
"""


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]


def requirements(folder: Path) -> dict[str, str]:
    """What a distribution requires: name -> the rest of the line."""
    found = {}
    for line in project(folder)["dependencies"]:
        name = re.match(r"[\w-]+", line)[0]
        found[name] = line.removeprefix(name)
    return found


def imported(folder: Path) -> set[str]:
    """The distributions that the sources of a distribution import, also inside functions and for types."""
    tops = set()
    for path in (folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                tops.add(node.module.partition(".")[0])
    own = {path.name for path in (folder / "src").iterdir()} | {"worker_task", "worker_forms", "store"}
    return {IMPORTED_AS.get(top, top.replace("_", "-")) for top in tops - own - sys.stdlib_module_names}


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_a_distribution_declares_exactly_what_it_imports(name):
    assert imported(PROJECTS[name]) == set(requirements(PROJECTS[name]))


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_is_named_after_what_it_is(name):
    folder = PROJECTS[name]
    assert name == f"nrun-{folder.name}"
    assert [path.name for path in (folder / "src").iterdir()] == [name.replace("-", "_")]


def test_all_versions_move_together():
    projects = [project(ROOT), *map(project, PROJECTS.values())]
    version = project(ROOT)["version"]
    assert {each["version"] for each in projects} == {version}
    source = (ROOT / "kernel/src/nrun/__init__.py").read_text("utf-8")
    assert f'__version__ = "{version}"' in source
    own = {
        line
        for each in projects
        for line in (*each["dependencies"], *itertools.chain(*each.get("optional-dependencies", {}).values()))
        if line.startswith("nrun")
    }
    assert all(line.endswith(f"=={version}") for line in own)


# ---- installed


def uv(*words: object, **options: object) -> str:
    """What uv says; it is the tool of this workspace, installed beside the interpreter or on the path."""
    program = [shutil.which("uv")] if shutil.which("uv") else [sys.executable, "-m", "uv"]
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        [*program, *map(str, words)], capture_output=True, text=True, timeout=100, check=False, env=env, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """A folder with the wheel of every distribution of the workspace."""
    folder = tmp_path_factory.mktemp("wheels")
    uv("build", "--quiet", "--wheel", "--all-packages", "--out-dir", folder, cwd=ROOT)
    return folder


@pytest.fixture
def environment(tmp_path, wheels, monkeypatch):
    """A fresh environment; call it with words to run there."""
    folder = tmp_path / "env"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return Environment(folder, wheels)


class Environment:
    """A virtual environment into which only wheels of this workspace and released packages go."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self._wheels = wheels

    def install(self, *names: str) -> None:
        uv("pip", "install", "--quiet", "--python", self.folder, "--find-links", self._wheels, *names)

    def uninstall(self, name: str) -> None:
        uv("pip", "uninstall", "--quiet", "--python", self.folder, name)

    def packages(self) -> set[str]:
        return {each["name"] for each in json.loads(uv("pip", "list", "--python", self.folder, "--format", "json"))}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, away from the sources."""
        program = self.folder / "bin" / words[0]
        return subprocess.run(
            [program, *words[1:]], capture_output=True, text=True, timeout=60, check=False, cwd=self.folder
        )

    def plugins(self) -> dict[str, list]:
        """Plugins found there: name -> state and declarations, all of which could be loaded."""
        done = self.run("python", "-c", LIST_PLUGINS)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def test_the_kernel_alone_answers(environment):
    environment.install("nrun-kernel")
    for option in ("--version", "--help"):
        done = environment.run("nrun", option)
        assert (done.returncode, done.stderr) == (0, "")
        assert "nrun" in done.stdout
    assert environment.plugins() == {}
    missing = environment.run("python", "-c", "import nrun; nrun.LocalExecutor")
    assert "nrun-executor-local" in missing.stderr


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_installs_and_works_alone_beside_the_kernel(environment, name):
    environment.install(name)
    assert {each for each in environment.packages() if each.startswith("nrun")} == {"nrun-kernel", name}
    (entry,) = project(PROJECTS[name])["entry-points"]["nrun.v1"]
    found = environment.plugins()
    assert list(found) == [entry]
    assert found[entry][0] == "LOADED"


def test_the_default_install_is_small_and_a_plugin_can_be_taken_out(environment):
    environment.install("nrun")
    others = {name for name in environment.packages() if name != "nrun" and not name.startswith("nrun-")}
    assert others <= OTHERS_PACKAGES
    files = [path for path in environment.folder.rglob("site-packages/**/*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_MEGABYTES * 1_000_000

    before = environment.plugins()
    environment.uninstall("nrun-executor-local")
    after = environment.plugins()
    assert set(before) - set(after) == {"executor-local"}
    assert after == {name: told for name, told in before.items() if name != "executor-local"}
    missing = environment.run("python", "-c", "import nrun; nrun.LocalExecutor")
    assert missing.returncode != 0
    assert "nrun-executor-local" in missing.stderr
