from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from reconciler.demo.servers import ServerFailed

Answer = TypeVar("Answer")


def wait_for(
    what: str, seconds: float, ask: Callable[[], Answer | None], *, log: Callable[[], str] = str, ignoring: tuple = ()
) -> Answer:
    """Asks until the answer is true, and returns it. Raises ServerFailed, with the end of `log`, after `seconds`."""
    deadline = time.monotonic() + seconds
    said = ""
    while True:
        try:
            if answer := ask():
                return answer
        except ignoring as error:
            said = f" ({error})"
        if time.monotonic() > deadline:
            raise ServerFailed(f"{what}: not within {seconds:g} s{said}\n{log()[-3000:]}")
        time.sleep(0.05)
