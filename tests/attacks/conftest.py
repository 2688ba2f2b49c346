from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.repository import Application, Checkout, Stranger


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def application() -> Iterator[Application]:
    server = Application()
    yield server
    server.stop()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    server = Stranger()
    yield server
    server.stop()
