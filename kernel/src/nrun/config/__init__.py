"""Configuration: trees that describe calls, and what they are made of."""

from __future__ import annotations

from nrun.config.build import build
from nrun.config.node import Config, Partial
from nrun.config.script import Script

__all__ = ["Config", "Partial", "Script", "build"]
