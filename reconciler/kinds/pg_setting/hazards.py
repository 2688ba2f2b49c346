"""Values that make a server less safe, and what may happen then."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.startup.standby import NOT_LOWER
from reconciler.kinds.pg_setting.values import Canonical
from reconciler.model import Hazard, HazardType

_LESS_SAFE: Mapping[tuple[str, str], str] = {
    ("allow_system_table_mods", "on"): "system catalogues can be damaged by plain statements",
    ("archive_mode", "off"): "WAL is no longer archived: there is no recovery to a point in time from now on",
    ("autovacuum", "off"): "dead rows pile up, and statistics become stale",
    ("fsync", "off"): "a crash of the machine can destroy the whole cluster",
    ("full_page_writes", "off"): "a crash of the machine can leave pages half written, which cannot be repaired",
    ("ignore_checksum_failure", "on"): "damaged pages are read as if they were sound",
    ("ignore_invalid_pages", "on"): "recovery goes on over damage, and may hide or spread it",
    ("password_encryption", "md5"): "new passwords are stored as MD5, which is easily broken",
    ("row_security", "off"): "queries fail where row security would have applied",
    ("ssl", "off"): "passwords and data cross the network in clear",
    ("synchronous_commit", "off"): "a crash loses the last transactions that were reported as committed",
    ("track_counts", "off"): "autovacuum no longer sees what changed, and does nothing",
    ("wal_level", "minimal"): "neither replication nor a recovery to a point in time is possible",
    ("zero_damaged_pages", "on"): "damaged pages are zeroed, which destroys their rows for good",
}
"""What the manual warns of at each of these settings. Sentences, to be read after `setting = value: `."""

_WEAK_TLS = {"", "TLSv1", "TLSv1.1"}


def less_safe(definition: Definition, before: Canonical | None, after: Canonical) -> tuple[Hazard, ...]:
    """The hazard of going from `before` to `after`; none where it is as unsafe already."""
    if before == after or not isinstance(after, str):
        return ()
    sentence = _LESS_SAFE.get((definition.name, after))
    if definition.name == "ssl_min_protocol_version" and after in _WEAK_TLS and before not in _WEAK_TLS:
        sentence = "clients may connect by versions of TLS that are broken"
    if sentence is None:
        return ()
    return (Hazard(type=HazardType.LESS_SAFE, message=f"{definition.name} = {after or repr(after)}: {sentence}"),)


def stops_standbys(
    definition: Definition, before: Canonical | None, after: Canonical, undeclared: int
) -> tuple[Hazard, ...]:
    """The hazard of raising what standbys must not have less of, where `undeclared` ones stream from this server."""
    if definition.name not in NOT_LOWER or not undeclared:
        return ()
    if not isinstance(before, int) or not isinstance(after, int) or after <= before:
        return ()
    are = "1 standby streams from here and is" if undeclared == 1 else f"{undeclared} standbys stream from here and are"
    message = (
        f"{are} not declared (`standbys` of the target): with less {definition.name} than the primary it stops "
        "replaying, before PostgreSQL 14 altogether; raise it there first"
    )
    return (Hazard(type=HazardType.STOPS_STANDBYS, message=message),)


def waits_for_restart(definition: Definition) -> tuple[Hazard, ...]:
    """The hazard of a setting that only a restart brings."""
    if definition.context != "postmaster":
        return ()
    message = f"{definition.name} comes true when PostgreSQL is restarted"
    return (Hazard(type=HazardType.WAITS_FOR_RESTART, message=message),)
