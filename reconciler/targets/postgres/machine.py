"""The machine that a PostgreSQL server runs on, by what /proc says there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property

from reconciler.errors import ObservationFailed
from reconciler.targets.postgres.bounded_connection import Row
from reconciler.targets.postgres.transactions import Asked


class Machine:
    """Read where it is asked for, by `ask` as a session's `fetch_all`. `readable`: whether the session's role may read
    files of the server at all."""

    def __init__(self, ask: Callable[[Sequence[Asked]], list[list[Row]]], *, readable: bool) -> None:
        self._ask = ask
        self._readable = readable

    @cached_property
    def memory(self) -> int | None:
        """MemTotal, in bytes; None where it cannot be read."""
        found = re.search(r"^MemTotal:\s+(\d+) kB", self._file("meminfo"), re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    @cached_property
    def cpus(self) -> int | None:
        """How many processors it has; None where that cannot be read."""
        return len(re.findall(r"^processor\b", self._file("cpuinfo"), re.MULTILINE)) or None

    def _file(self, name: str) -> str:
        """The content of a file in /proc; empty where it may not be read, or is not there."""
        if not self._readable:
            return ""
        try:
            [[row]] = self._ask([("select pg_catalog.pg_read_file(%(file)s) as content", {"file": f"/proc/{name}"})])
        except ObservationFailed:
            return ""
        return str(row["content"])
