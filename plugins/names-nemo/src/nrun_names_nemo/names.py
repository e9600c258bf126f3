"""The names themselves. Each does by what nrun has what it did in NeMo Run."""
# ruff: noqa: ANN401, FBT001, FBT002, T201 - signatures are those that users know, and what they call prints

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar, get_args

from nrun import Config, Entrypoint, Partial, UsageError, build, cli
from nrun.arguments import UnfitValue
from nrun.cli.entrypoint import MARK, command_of, entrypoint_of
from nrun.cli.root import root
from nrun.config.target import resolve, signature_of, symbol_of
from nrun.errors import did_you_mean
from nrun.record import home_folder
from nrun.text import columns

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    import click

    from nrun import Executor

T = TypeVar("T")


class _LeftOut:
    """Says what an argument is that is left out: a node that calls the class in its annotation."""

    def __init__(self, kind: type[Config[Any] | Partial[Any]]) -> None:
        self.kind = kind

    def __nrun_default__(self, annotation: Any, given: object) -> object:
        (described, _) = get_args(annotation.__origin__)
        if given is not None and given is not inspect.Parameter.empty:
            return given
        return self.kind(described if self.kind is Config else get_args(described)[-1])


OptionalDefaultConfig = Annotated[Optional[T], _LeftOut(Config)]  # noqa: UP045 - `|` takes no TypeVar filled in later
"""An argument that is `Config(T)` if it is left out, as `model: Model = run.Config(Model)` is."""
OptionalDefaultPartial = Annotated[Optional[Callable[..., T]], _LeftOut(Partial)]  # noqa: UP045 - as above
"""An argument that is `Partial(T)` if it is left out."""


def dryrun_fn(
    configured: object,
    executor: Executor | None = None,
    build: bool = False,
) -> None:
    """Print a task with every argument, defaults included, and the executor; with `build`, also build it.

    Raises ConfigError for anything but a Config or Partial, and what building raises.
    """
    if not isinstance(configured, Config | Partial):
        msg = f"a dry run is of a Config or Partial, not of {configured!r:.80}"
        raise UnfitValue(msg)
    print(f"Dry run for task {symbol_of(configured.__nrun_target__)}")
    target = configured.__nrun_target__
    names = (
        list(configured) if isinstance(target, str) else list(dict.fromkeys((*signature_of(target).names, *configured)))
    )
    rows = [(str(name), _shown(configured, name)) for name in names]
    print(columns([("argument", "value"), *rows]))
    if executor is not None:
        print(f"executor: {executor!r}")
    if build:
        _build(configured)


_build = build


def _shown(node: Config[Any] | Partial[Any], name: str | int) -> str:
    try:
        return repr(node[name])
    except AttributeError:
        return "(required)"


def help(function: Callable[..., Any], with_docs: bool = True, **_unused: object) -> None:  # noqa: A001
    """Print what can be typed after a function, and its arguments. Docs of arguments are always in it."""
    del with_docs
    entry = entrypoint_of(function)
    command_of(entry).main(args=["--help"], prog_name=entry.name, standalone_mode=False)


def import_executor(
    name: str,
    file_path: str | os.PathLike[str] | None = None,
    call: bool = True,
    **arguments: Any,
) -> Any:
    """What a file of Python calls `name`; if it can be called, and `call` is not False, what it gives for `arguments`.

    The file is `executors.py` in the home of records (`$NRUN_HOME`) unless it is named. Raises UsageError if there is
    no such file or name, and what the file raises. Where executors are data alone, `--on PROFILE` needs no Python.
    """
    path = Path(file_path) if file_path is not None else home_folder() / "executors.py"
    spec = importlib.util.spec_from_file_location(f"nrun_executors_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no file {str(path)!r} to find the executor {name!r} in")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        msg = f"there is no {name!r} in {path}.{did_you_mean(name, vars(module))}"
        raise UsageError(msg)
    found = getattr(module, name)
    return found(**arguments) if call and callable(found) else found


@contextlib.contextmanager
def lazy_imports(fallback_to_lazy: bool = False) -> Iterator[None]:
    """Import as ever: nrun replaces no imports. One that fails says how to do without it.

    Raises UsageError, from the ImportError, with what to write.
    """
    del fallback_to_lazy
    try:
        yield
    except ImportError as error:
        module = error.name or "module"
        msg = f"{error}, and nrun imports nothing lazily"
        raise UsageError(
            msg, hint=f"name it: run.Partial({module + ':function'!r}, lr=1) is imported where it runs"
        ) from error


def LazyEntrypoint(  # noqa: N802 - as it was
    target: str | Callable[..., Any],
    factory: str | None = None,
    yaml: str | None = None,
    overwrites: Sequence[str] = (),
) -> Partial[Any]:
    """The task of an entrypoint, with what a factory, a file and overrides make of it.

    `target` is `module:name` or `module.name`, and imported now; a `run.Partial("module:name")` imports nothing yet.
    Raises ConfigError for a target that does not exist, and as typing the same would.
    """
    if isinstance(target, str) and not target.replace(":", ".").replace(".", "_").isidentifier():
        msg = f"{target!r} names no function"
        raise UsageError(msg, hint="write module:name; what is in a file is run by `nrun run FILE:NAME ITEMS`")
    if isinstance(target, str):
        target = resolve(target if ":" in target else ":".join(target.rsplit(".", 1)))
    task: Partial[Any] = cli.parse_partial(target, *overwrites, factory=factory or "", load=yaml or "")
    return task


def create_cli(**_unused: object) -> click.Group:
    """The `nrun` command, to which every plugin adds its own: `create_cli()(["run", "train.py"])` runs it."""
    return root


def list_entrypoints(namespace: str | None = None) -> dict[str, Any]:
    """The entrypoints of the modules that are loaded: namespace by namespace, then name -> Entrypoint.

    One without a namespace is under the name of its module.
    """
    found: dict[str, Any] = {}
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            entry = getattr(value, MARK, None) if hasattr(value, "__code__") else None
            if isinstance(entry, Entrypoint) and entry.function.__module__ == module.__name__:
                at = found
                for part in (entry.namespace or module.__name__).split("."):
                    at = at.setdefault(part, {})
                at[entry.name] = entry
    for part in namespace.split(".") if namespace else ():
        found = found.get(part, {})
    return found
