from __future__ import annotations

import pytest
from applying.conftest import command, holder

from faults.scenes import Gate

__all__ = ["command", "holder"]


@pytest.fixture
def gate(database: str) -> Gate:
    """A gate in the test's database."""
    return Gate(database)
