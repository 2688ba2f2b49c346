"""Connections, WAL and replication: numbers and levels that lean on each other, and on what the server keeps."""

from __future__ import annotations

from reconciler.kinds.pg_setting.startup.next_start import Start

CONNECTIONS = frozenset({"max_connections", "reserved_connections", "superuser_reserved_connections"})
LEVEL = frozenset({"archive_mode", "max_wal_senders", "summarize_wal", "wal_level"})
SIZES = frozenset({"max_wal_size", "min_wal_size", "wal_segment_size"})
KEPT = frozenset({"max_active_replication_origins", "max_prepared_transactions", "max_replication_slots", "wal_level"})

_NEEDS_WAL = {"archive_mode": "off", "max_wal_senders": 0, "summarize_wal": "off"}
"""What wal_level minimal leaves no room for, and the value that it has to have then."""


def connections(start: Start) -> str:
    """Some connections have to be left for those for whom none is reserved."""
    most = start.coming.get("max_connections")
    kept = {
        name: number
        for name in ("superuser_reserved_connections", "reserved_connections")
        if isinstance(number := start.coming.get(name), int)
    }
    if not isinstance(most, int) or sum(kept.values()) < most:
        return ""
    named = " and ".join(f"{name} ({number})" for name, number in kept.items())
    return f"{named} must be less than max_connections ({most})"


def sizes(start: Start) -> str:
    """There has to be room for two segments of WAL."""
    megabytes, segment = start.coming[start.name], start.coming.get("wal_segment_size")
    if not isinstance(megabytes, int) or not isinstance(segment, int):
        return ""
    least = 2 * (segment >> 20)
    return f"{start.name} must be at least {least}MB, twice wal_segment_size" if megabytes < least else ""


def level(start: Start) -> str:
    """wal_level minimal leaves nothing to send, to archive, or to summarize."""
    coming = start.coming
    if coming.get("wal_level") != "minimal":
        return ""
    wrong = {name: wanted for name, wanted in _NEEDS_WAL.items() if coming.get(name, wanted) != wanted}
    if not wrong:
        return ""
    there = " and ".join(f"{name} {coming[name]}" for name in wrong)
    wanted = ", ".join(f"{name}: {wanted}" for name, wanted in wrong.items())
    return f"wal_level minimal does not go together with {there}; declare {wanted} as well"


def kept(start: Start) -> str:
    """Slots, replication origins and prepared transactions outlive a restart, and need their places again."""
    around = start.around
    lasting = start.text("wal_level")
    if around.logical_slots and lasting in ("minimal", "replica"):
        return (
            f"there are {around.logical_slots} logical replication slots, which need wal_level logical: "
            "drop them first (pg_drop_replication_slot)"
        )
    if around.physical_slots and lasting == "minimal":
        return (
            f"there are {around.physical_slots} replication slots, which need wal_level replica: "
            "drop them first (pg_drop_replication_slot)"
        )
    own = "max_active_replication_origins"  # 18; before, they share the places of slots
    origins = own if own in start.coming else "max_replication_slots"
    for name, count, what in (
        ("max_replication_slots", around.logical_slots + around.physical_slots, "replication slots"),
        ("max_prepared_transactions", around.prepared, "prepared transactions"),
        (origins, around.origins, "replication origins in use"),
    ):
        if start.name == name and start.number(name) < count:
            return f"there are {count} {what}, and {name} would be {start.number(name)}: remove some first"
    return ""
