"""A benchmark that is ended stops its servers: they have a session of their own, and nobody else would."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def end_in_order() -> None:
    """From now on SIGTERM and a closed terminal raise SystemExit, as Ctrl-C raises KeyboardInterrupt."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # once more would end what stops the servers
    sys.exit(128 + number)
