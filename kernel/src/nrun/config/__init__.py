"""Configuration: trees that describe calls, and what they are made of."""

from __future__ import annotations

from nrun.config.build import build
from nrun.config.node import Config, Partial

__all__ = ["Config", "Partial", "build"]
