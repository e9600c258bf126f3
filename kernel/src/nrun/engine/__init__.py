"""From a plan to done: package, submit, watch, retry, cancel."""

from __future__ import annotations
