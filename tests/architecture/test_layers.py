"""Imports only go down. What a layer may know is what makes the kernel small enough to understand."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "kernel" / "src" / "nrun"
PLUGIN_PACKAGES = sorted((*ROOT.glob("plugins/*/src/nrun_*"), *ROOT.glob("contrib/*/src/nrun_*")))

LAYERS = (
    {"markers", "errors", "data", "text", "docstrings", "amounts", "arguments", "plain", "retries", "secret"},
    {
        "model",
        "words",
        "events",
        "declare",
        "protocols",
        "entrypoints",
        "tunnels",
        "local_tunnel",
        "containers",
        "abilities",
    },
    {"config", "hookspecs"},
    {"plugins"},
    {"planning"},
    {"record", "packaging"},
    {"engine"},
    {
        "sync",
        "launching",
        "job",
        "outcome",
        "interrupts",
        "search",
        "recorded",
        "kept",
        "preflight",
        "fingerprint",
        "experiment",
        "single",
        "supervise",
        "provided",
        "files",
    },
    {"cli", "__main__"},
)
FACADE = {"__init__"}  # names everything, imports it when it is asked for
ALONE = {"worker", "worker_task", "worker_forms"}  # travel with jobs


def imports(tree: ast.AST, *, types_too: bool = False) -> Iterator[tuple[str, str]]:
    """Every imported (module, name), inside functions too; name is empty for `import module`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types_too:
            continue
        else:
            yield from imports(node, types_too=types_too)


def layer_of(part: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if part in layer)


def kernel_modules() -> Iterator[tuple[str, Path]]:
    """Every module of the kernel with the part it belongs to: its folder, or itself."""
    for path in sorted(KERNEL.rglob("*.py")):
        yield path.relative_to(KERNEL).parts[0].removesuffix(".py"), path


def test_every_module_of_the_kernel_has_its_layer():
    known = set().union(*LAYERS, FACADE, ALONE)
    assert {part for part, _ in kernel_modules()} <= known


@pytest.mark.parametrize(
    ("part", "path"),
    [
        pytest.param(part, path, id=str(path.relative_to(KERNEL)))
        for part, path in kernel_modules()
        if part not in FACADE | ALONE
    ],
)
def test_kernel_modules_import_only_from_their_layer_and_below(part, path):
    upwards = []
    for module, name in imports(ast.parse(path.read_text("utf-8"))):
        if module == "nrun":
            if name == "__version__":
                continue
            target = name  # `from nrun import hookspecs`; a public object has no layer and fails below
        elif module.startswith("nrun."):
            target = module.split(".")[1]
        else:
            continue
        if not any(target in layer for layer in LAYERS) or layer_of(target) > layer_of(part):
            upwards.append(f"{module} {name}")
    assert not upwards


@pytest.mark.parametrize("name", sorted(ALONE))
def test_the_worker_needs_nothing_but_the_standard_library(name):
    found = {module.partition(".")[0] for module, _ in imports(ast.parse((KERNEL / f"{name}.py").read_text("utf-8")))}
    assert found <= sys.stdlib_module_names | ALONE


@pytest.mark.parametrize("package", PLUGIN_PACKAGES, ids=lambda path: path.name)
def test_plugins_import_public_names_of_nrun_and_never_one_another(package):
    wrong = []
    for path in sorted(package.rglob("*.py")):
        for module, name in imports(ast.parse(path.read_text("utf-8")), types_too=True):
            top = module.partition(".")[0]
            other_plugin = top.startswith("nrun_") and top != package.name
            private = top == "nrun" and any(word.startswith("_") for word in (*module.split("."), name))
            if other_plugin or private:
                wrong.append(f"{path.name}: {module} {name}")
    assert not wrong
