"""What the methods of configurations do: `cfg.diff(old)`, `cfg.visualize()`, `cfg.save_config_img(path)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun_config_view.comments import comments_on
from nrun_config_view.diff import diff
from nrun_config_view.picture import Picture
from nrun_config_view.told import as_json, as_lines

if TYPE_CHECKING:
    from os import PathLike

    from nrun.config.document_writer import Steps
    from nrun.config.node import Node
    from nrun.model import Json
    from nrun_config_view.changes import Change


@attrs.frozen(repr=False)
class Difference:
    """What has to change in one configuration to make it another. False if nothing has."""

    old: Node
    new: Node
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(as_lines(self.changes))

    __repr__ = __str__

    def to_json(self) -> Json:
        """The changes as plain data."""
        return as_json(self.changes)

    def overrides(self) -> list[str]:
        """What is typed to make the new of the old. Raises ConfigError naming what cannot be typed."""
        from nrun_config_view.overrides import overrides

        return overrides(self.old, self.new)


class ConfigView:
    """Differences as text and pictures as SVG, without any other program."""

    def diff(self, config: Node, old: Node) -> Difference:
        """What has changed since `old`."""
        return Difference(old, config, diff(old, config))

    def visualize(self, config: Node) -> Picture:
        """A picture."""
        return Picture(config)

    def save_config_img(self, config: Node, path: str | PathLike[str]) -> None:
        """Write a picture as SVG."""
        Picture(config).save(path)

    def comments_on(self, config: object) -> dict[Steps, str]:
        """The docs of what is set, and what is not set with its default."""
        return comments_on(config)
