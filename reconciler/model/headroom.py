"""How much a PostgreSQL bears at a moment: how far its replicas are behind, how much WAL it keeps, what its disks have
free."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple


class Replica(NamedTuple):
    """One that is connected: by how much WAL, and by how much time, it is behind with what it has replayed."""

    name: str
    behind: int
    late: timedelta


class Headroom(NamedTuple):
    """What could not be seen is None: by the role's rights, or because the disks are another machine's.

    wal        bytes of WAL that are kept.
    free_disk  bytes that are free on the fullest disk of those that hold its data.
    """

    replicas: tuple[Replica, ...] | None
    wal: int | None
    free_disk: int | None
