"""The local backend keeps the promises of a backend."""

from __future__ import annotations

import pytest

from nrun_executor_local import LocalExecutor
from nrun_testing.suite import BackendSuite


class TestLocal(BackendSuite):
    @pytest.fixture
    def make_executor(self):
        return lambda work: LocalExecutor()
