from __future__ import annotations

import pytest
from applying.conftest import cleaning_up_soon, command, holder, unhurried

from faults.scenes import Gate

__all__ = ["cleaning_up_soon", "command", "holder", "unhurried"]


@pytest.fixture
def gate(database: str) -> Gate:
    """A gate in the test's database."""
    return Gate(database)
