"""Waits until the append-only file of a Redis is whole.

From CONFIG SET appendonly yes until its first rewrite has ended, the file is empty. A server that is started with
`appendonly yes` in that time takes the empty file for its data, and leaves dump.rdb alone (seen on 6.2, 7.0 and Valkey
9.1). So nothing may write `appendonly yes` down before.

Decided: docs/decisions.md#waiting-for-the-append-only-file
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.applying.executing.progress import Progress

if TYPE_CHECKING:
    import redis

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds between two looks: a small file takes some milliseconds, a large one hours."""

PUT_OFF_SECONDS = 15.0
"""A server whose rewrite failed tries again within a second, and after the third failure a minute or more later. Where
none begins for so long, and none is in its way, the last one has failed."""

STILL_SECONDS = 3600.0
"""A server that writes counts the keys that it has written. Only one huge key, or a hanging disk, stops the count."""


class NeverWhole(Exception):
    """Why the append-only file will not be whole, or not while somebody waits for it."""


@dataclass(frozen=True, slots=True)
class Look:
    """INFO persistence of one moment. `other`: a snapshot is being made, which the rewrite has to wait for.

    `unwritten`: the last write into the file failed, so that it lacks what was said to be written.
    """

    running: bool
    scheduled: bool
    failed: bool
    other: bool
    keys: int
    total: int
    seconds: int
    unwritten: bool = False

    @property
    def pending(self) -> bool:
        """Whether there is a rewrite to be waited for.

        A first one that has failed is scheduled again at once (seen on all three), so that none that is pending means
        that the file is there: the one of before, where a later rewrite has failed.
        """
        return self.running or self.scheduled

    @property
    def place(self) -> tuple[object, ...]:
        """How far it is: the same in two looks where nothing has moved between them."""
        return self.running, self.scheduled, self.other, self.keys

    def ended_since(self, before: Look) -> bool:
        """Whether the rewrite that ran then has ended: another one may run by now."""
        return before.running and (not self.running or self.seconds < before.seconds or self.keys < before.keys)


class Course:
    """One wait, look by look. `at`: seconds of a clock that never goes back."""

    def __init__(self, first: Look, at: float) -> None:
        self._failed_before = first.failed
        self._last = first
        self._moved = at

    def goes_on(self, look: Look, at: float) -> bool:
        """Whether there is still something to be waited for. Raises NeverWhole where that is in vain."""
        before, self._last = self._last, look
        if look.failed and (not self._failed_before or look.ended_since(before)):
            raise NeverWhole(_FAILED)
        if not look.pending:
            return False
        if look.place != before.place:
            self._moved = at
        still = at - self._moved
        if not look.running and not look.other and still > PUT_OFF_SECONDS:
            raise NeverWhole(_FAILED if look.failed else "the server does not begin to write the append-only file")
        if still > STILL_SECONDS:
            raise NeverWhole(f"the rewrite of the append-only file has not moved for {STILL_SECONDS:.0f} s")
        return True


def until_whole(client: redis.Redis, tell: Callable[[Progress], None], interrupted: Callable[[], bool]) -> None:
    """Returns when no rewrite is pending, at once where the server keeps no such file.

    Raises NeverWhole: the rewrite has failed, stands still, or the wait was `interrupted`; redis.RedisError where the
    server does not answer any more.
    """
    if client.config_get("appendonly").get("appendonly") != "yes":
        return
    look, pause = look_at(client), FIRST_PAUSE
    course, waits = Course(look, time.monotonic()), look.pending
    while waits:
        if interrupted():
            raise NeverWhole("interrupted while the append-only file is written")
        with suppress(Exception):  # who is told may fail, the apply may not
            tell(_progress(look))
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        look = look_at(client)
        waits = course.goes_on(look, time.monotonic())
    if look.unwritten:
        raise NeverWhole(_UNWRITTEN)


_UNWRITTEN = (
    "the last write into the append-only file failed (aof_last_write_status:err; the server's log says why), so that "
    "it may not be written down as the one that a start reads: is the disk full?"
)

_FAILED = (
    "the rewrite of the append-only file failed (aof_last_bgrewrite_status:err; the server's log says why), so that "
    "appendonly may not be written down: a start would find none of the keys"
)


def look_at(client: redis.Redis) -> Look:
    """Raises redis.RedisError: also where INFO is denied."""
    info = client.info("persistence")
    assert isinstance(info, dict)  # noqa: S101 - not an async client
    return Look(
        running=bool(info["aof_rewrite_in_progress"]),
        scheduled=bool(info["aof_rewrite_scheduled"]),
        failed=info["aof_last_bgrewrite_status"] != "ok",
        unwritten=info.get("aof_last_write_status", "ok") != "ok",
        other=bool(info["rdb_bgsave_in_progress"]),
        keys=info.get("current_save_keys_processed", 0),
        total=info.get("current_save_keys_total", 0),
        seconds=info.get("aof_current_rewrite_time_sec", 0),
    )


def _progress(look: Look) -> Progress:
    what = "the append-only file is written" if look.running else "the append-only file waits for a snapshot to end"
    return Progress(what, min(1.0, look.keys / look.total) if look.total else None, ())
