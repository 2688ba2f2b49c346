"""How a server stands against the bounds of a policy, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.formulas.human_readable import rounded, size
from reconciler.model import Bounds, Headroom
from reconciler.reports.characters import visible

GRANT = "grant pg_monitor to its role"


def against(bounds: Bounds, found: Headroom) -> Iterator[str]:
    """Why nothing may begin there: each figure that is over its bound, and what has a bound and cannot be seen."""
    if bounds.replica_lag is not None:
        yield from _of_replicas(bounds.replica_lag, found)
    if bounds.wal is not None:
        if found.wal is None:
            yield f"how much WAL it keeps cannot be seen: {GRANT}"
        elif found.wal > bounds.wal:
            yield f"it keeps {size(found.wal)} of WAL, and the bound is {size(bounds.wal)}"
    if bounds.free_disk is not None:
        if found.free_disk is None:
            yield (
                "what its disks have free cannot be seen: run this beside the server, as a user who may read its data "
                f"directory, and {GRANT}"
            )
        elif found.free_disk < bounds.free_disk:
            yield f"its fullest disk has {size(found.free_disk)} free, and the bound is {size(bounds.free_disk)}"


def _of_replicas(most: int | timedelta, found: Headroom) -> Iterator[str]:
    if found.replicas is None:
        yield f"how far its replicas are behind cannot be seen: {GRANT}"
        return
    for each in found.replicas:
        who = f"its replica {visible(each.name)}".rstrip()
        if isinstance(most, timedelta):
            if each.late > most:
                yield f"{who} is {seconds(each.late)} behind, and the bound is {seconds(most)}"
        elif each.behind > most:
            yield f"{who} is {size(each.behind)} behind, and the bound is {size(most)}"


def seconds(span: timedelta) -> str:
    """`30 s`, `1.5 s`: bounds are short, and told from what exceeds them."""
    return f"{rounded(span.total_seconds())} s"


def clocks(name: str, ahead: timedelta) -> str:
    """That the clock of a server differs from the one by which windows are looked at."""
    which = "ahead of" if ahead > timedelta() else "behind"
    return (
        f"{name}: the server's clock is {seconds(abs(ahead))} {which} the one of this machine, by which windows open "
        "and close"
    )
