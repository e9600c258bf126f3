"""A store for code, empty."""

from __future__ import annotations

import pytest

from nrun_testing.trees import Shelf


@pytest.fixture
def store(tmp_path):
    return Shelf(tmp_path / "bundles")
