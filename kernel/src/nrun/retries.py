"""How often a failed job is tried again, by the cause of its failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs.validators import ge, instance_of, optional

from nrun.arguments import UserData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Cause

_OPTIONAL_COUNT = optional([instance_of(int), ge(0)])


@attrs.frozen(eq=False, repr=False)
class Retries(UserData):
    """How often a failed job is tried again, with a budget of its own for each cause that has one.

    >>> Retries(1, preempted=20, user_error=0)

    `any` is shared by all causes that have none. Between attempts it waits `pause_s` seconds, twice as long each
    time, at most `longest_pause_s`.
    """

    any: int = attrs.field(default=0, validator=[instance_of(int), ge(0)])
    user_error: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    out_of_memory: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    timeout: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    preempted: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    node_failure: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    infrastructure: int | None = attrs.field(default=None, validator=_OPTIONAL_COUNT, kw_only=True)
    submit_error: int = attrs.field(default=0, validator=[instance_of(int), ge(0)], kw_only=True)
    """What a backend refuses it mostly refuses again, so this has to be asked for."""
    pause_s: float = attrs.field(default=0.0, validator=ge(0.0), kw_only=True)
    longest_pause_s: float = attrs.field(default=300.0, validator=ge(0.0), kw_only=True)

    def allow(self, failures: Mapping[Cause, int], cause: Cause) -> bool:
        """Whether there is another try after a failure for `cause`, which `failures` counts already."""
        own: int | None = getattr(self, cause)
        if own is not None:
            return failures[cause] <= own
        return sum(count for one, count in failures.items() if getattr(self, one) is None) <= self.any

    def wait_s(self, failures: Mapping[Cause, int]) -> float:
        """How long to wait before the next try, in seconds."""
        doublings = min(sum(failures.values()) - 1, 64)  # the limit is reached long before
        return min(self.pause_s * 2.0**doublings, self.longest_pause_s)


def retries_of(given: int | Retries) -> Retries:
    """A plain number is the budget for any cause."""
    return given if isinstance(given, Retries) else Retries(given)
