"""How far the clock of a server is from the one of this machine."""

from __future__ import annotations

import time
from datetime import timedelta


def now() -> float:
    """Seconds since 1970, by the clock of this machine."""
    return time.time()


def ahead(server: float, asked: float, answered: float) -> timedelta:
    """How far the server's clock is ahead at least (behind: below nothing), which said `server` at some moment between
    the question and the answer."""
    return timedelta(seconds=max(server - answered, 0.0) or min(server - asked, 0.0))
