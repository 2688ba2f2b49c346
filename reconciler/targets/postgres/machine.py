"""The machine that a PostgreSQL server runs on, by what /proc says there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from reconciler.errors import ObservationFailed
from reconciler.targets.postgres.bounded_connection import Row
from reconciler.targets.postgres.riding import Riding
from reconciler.targets.postgres.transactions import Query

_READ = "select pg_catalog.pg_read_file(%(file)s) as content"


def _place(name: str) -> Mapping[str, str]:
    return {"file": f"/proc/{name}"}


class Machine:
    """Read where it is asked for, on a round trip of its own or beside other questions.

    `fetch`, `beside` and `answer` are those of a session; `readable`: whether its role may read files of the server at
    all.
    """

    def __init__(
        self, fetch: Callable[[Query, Mapping[str, Any]], list[Row]],
        beside: Callable[[Query, Mapping[str, Any]], Riding], answer: Callable[[Riding], list[Row]],
        *, readable: bool,
    ) -> None:  # fmt: skip
        self._fetch = fetch
        self._beside = beside
        self._answer = answer
        self._readable = readable
        self._asked: Riding | None = None

    def ask_memory(self) -> None:
        """Asks for `memory` beside whatever is asked next."""
        if self._readable and self._asked is None and "memory" not in vars(self):
            self._asked = self._beside(_READ, _place("meminfo"))

    @cached_property
    def memory(self) -> int | None:
        """MemTotal, in bytes; None where it cannot be read."""
        found = re.search(r"^MemTotal:\s+(\d+) kB", self._file("meminfo", self._asked), re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    @cached_property
    def cpus(self) -> int | None:
        """How many processors it has; None where that cannot be read."""
        return len(re.findall(r"^processor\b", self._file("cpuinfo"), re.MULTILINE)) or None

    def _file(self, name: str, asked: Riding | None = None) -> str:
        """The content of a file in /proc; empty where it may not be read, or is not there."""
        if not self._readable:
            return ""
        try:
            [row] = self._fetch(_READ, _place(name)) if asked is None else self._answer(asked)
        except ObservationFailed:
            return ""
        return str(row["content"])
