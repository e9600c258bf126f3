"""What plugins declare: a name, one line about it, and loaders that import the rest on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from nrun.arguments import Extensible
from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import click

    from nrun.entrypoints import Language
    from nrun.model import Place
    from nrun.protocols import Backend, Executor, Format, Launcher, Packager, View

T = TypeVar("T")


class Spec(Extensible):
    """What every declaration has: a name that is unique among its kind, and a summary of one line."""

    name: str = attrs.field(validator=attrs.validators.instance_of(str))
    summary: str


class ExecutorSpec(Spec):
    """Where tasks can run. `name` is the `kind` of the executor's `Place`."""

    class_name: str
    """The public name: `run.<class_name>` gives the executor class."""
    executor: Callable[[], type[Executor]]
    """Loads the executor class: the data that users write."""
    backend: Callable[[], Callable[[Place], Backend]]
    """Loads what opens a backend for a place."""


class PackagerSpec(Spec):
    """What code can travel."""

    class_name: str
    packager: Callable[[], type[Packager]]


class LauncherSpec(Spec):
    """How processes can start."""

    class_name: str
    launcher: Callable[[], type[Launcher]]


class FormatSpec(Spec):
    """How a configuration is written down."""

    suffixes: tuple[str, ...]
    """Endings of the files that are in this format, such as `(".yaml", ".yml")`."""
    format: Callable[[], type[Format]]
    shares: bool = False
    """Whether a mapping that stands in several places is still one when it is read back."""


class LanguageSpec(Spec):
    """What can be typed after an entrypoint."""

    language: Callable[[], type[Language]]


class ViewSpec(Spec):
    """How configurations are shown and compared."""

    view: Callable[[], type[View]]


class SecretSpec(Spec):
    """Where secrets come from. `name` is what their references begin with: `env` resolves `env:HF_TOKEN`."""

    resolver: Callable[[], Callable[[str], str | Awaitable[str]]]
    """Loads what gives the value for a name, and may be async. It raises NrunError, with what to do, if there is none;
    no error of it may show a value."""


class CommandSpec(Spec):
    """What can be typed after `nrun`."""

    command: Callable[[], click.Command]
    hidden: bool = False


class NameSpec(Spec):
    """What `nrun.<name>` is, or `nrun.cli.<rest>` if the name is `cli.<rest>`."""

    load: Callable[[], object]


class CheckResult(Extensible):
    """The answer of one check: whether it is well, what was found, and what to do if not."""

    ok: bool
    message: str
    remedy: str = ""


class CheckSpec(Spec):
    """Is this machine ready? Run by `nrun plugins doctor`; may be sync or async."""

    check: Callable[[], Sequence[CheckResult] | Awaitable[Sequence[CheckResult]]]


@attrs.frozen(eq=False, repr=False)
class Declared(Data, Generic[T]):
    """A declaration together with the plugin it came from."""

    spec: T
    plugin: str
    """Name of the plugin."""
    distribution: str
