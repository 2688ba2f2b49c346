"""Settings that lean on each other: combinations with which the server does not start.

Each was tried on live servers, 15 and 18: ALTER SYSTEM takes every one of them, and a reload does not complain.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.values import Canonical

COMPANIONS = frozenset(
    {
        "archive_mode",
        "max_connections",
        "max_wal_senders",
        "max_wal_size",
        "min_wal_size",
        "reserved_connections",
        "summarize_wal",
        "superuser_reserved_connections",
        "wal_level",
        "wal_segment_size",
    }
)
"""Everything that the rules look at, whether it is declared or not."""

_NEEDS_WAL = {"archive_mode": "off", "max_wal_senders": 0, "summarize_wal": "off"}
"""What wal_level minimal leaves no room for, and the value that it has to have then."""


def refused(name: str, value: Canonical | None, beside: Mapping[str, Canonical]) -> str:
    """Why the server would not start with `name` at `value`, where the others come to what `beside` says.

    Numbers are in each setting's own unit. Empty where nothing speaks against it, or not all of it is known.
    """
    if name not in COMPANIONS or value is None:
        return ""
    coming = {**beside, name: value}
    reason = _connections(coming) if "connections" in name else _wal_size(name, coming) or _wal_level(coming)
    return f"the server would not start: {reason}" if reason else ""


def _connections(coming: Mapping[str, Canonical]) -> str:
    most = coming.get("max_connections")
    kept = {
        name: number
        for name in ("superuser_reserved_connections", "reserved_connections")
        if isinstance(number := coming.get(name), int)
    }
    if not isinstance(most, int) or sum(kept.values()) < most:
        return ""
    named = " and ".join(f"{name} ({number})" for name, number in kept.items())
    return f"{named} must be less than max_connections ({most})"


def _wal_size(name: str, coming: Mapping[str, Canonical]) -> str:
    megabytes, segment = coming[name], coming.get("wal_segment_size")
    if name not in ("min_wal_size", "max_wal_size") or not isinstance(megabytes, int) or not isinstance(segment, int):
        return ""
    least = 2 * (segment >> 20)
    return f"{name} must be at least {least}MB, twice wal_segment_size" if megabytes < least else ""


def _wal_level(coming: Mapping[str, Canonical]) -> str:
    if coming.get("wal_level") != "minimal":
        return ""
    wrong = {name: wanted for name, wanted in _NEEDS_WAL.items() if coming.get(name, wanted) != wanted}
    if not wrong:
        return ""
    there = " and ".join(f"{name} {coming[name]}" for name in wrong)
    wanted = ", ".join(f"{name}: {wanted}" for name, wanted in wrong.items())
    return f"wal_level minimal does not go together with {there}; declare {wanted} as well"
