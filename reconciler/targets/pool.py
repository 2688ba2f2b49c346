"""Several targets read at once, and nobody waited for when that is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from reconciler.targets.postgres.bounded_connection import given_up

MOST_TARGETS_AT_ONCE = 16
"""Asking mostly waits for the network; more connections at once would only be felt by the other side."""


@contextmanager
def reading(targets: int) -> Iterator[ThreadPoolExecutor]:
    """A pool for reading so many targets. Whoever is interrupted inside (Ctrl-C) leaves it at once: what has not begun
    does not, and questions that are waited for are cancelled on their servers."""
    with ThreadPoolExecutor(max_workers=min(targets, MOST_TARGETS_AT_ONCE) or 1) as pool:
        try:
            yield pool
        except Exception:
            raise
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            with given_up():
                pool.shutdown()
            raise
