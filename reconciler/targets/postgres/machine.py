"""The machine that a PostgreSQL server runs on, by what /proc says there."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.errors import ObservationFailed

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession


class Machine:
    """Read where it is asked for. `readable`: whether the session's role may read files of the server at all."""

    def __init__(self, session: PostgresSession, *, readable: bool) -> None:
        self._session = session
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
            rows = self._session.fetch("select pg_catalog.pg_read_file(%(file)s) as content", {"file": f"/proc/{name}"})
        except ObservationFailed:
            return ""
        return str(rows[0]["content"])
