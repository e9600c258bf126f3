from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def targets(monkeypatch):
    """The module of targets, as users have theirs: found on the path."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import view_targets

    return view_targets
