"""The in-memory backend keeps the promises of a backend."""

from __future__ import annotations

import pytest

from nrun_testing.memory import MemoryExecutor
from nrun_testing.suite import BackendSuite


class TestMemory(BackendSuite):
    deadline_s = 10.0
    brief_s = 0.2
    runs_no_processes = "its jobs are numbers in a list"

    @pytest.fixture
    def make_executor(self, tmp_path):
        return lambda work: MemoryExecutor(
            system=str(tmp_path), exit_codes=(work.exit_code,), runs_for_s=work.runs_for_s, output=work.output
        )
