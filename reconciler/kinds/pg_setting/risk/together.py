"""Turns for the worse that depend on other settings, on who is connected or let in, and on the machine.

What counts is what the settings come to, as declared on the same target, in the files, or running, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.kinds.pg_setting.risk import memory
from reconciler.kinds.pg_setting.startup.next_start import Start
from reconciler.kinds.pg_setting.values import Canonical
from reconciler.kinds.pg_setting.values.standby_names import StandbyNames, parse
from reconciler.model import HazardType

LEAST_ROOM = 10
"""Connections that people, programs and this tool need at least, besides those that are kept for superusers."""


class Rule(NamedTuple):
    """`judge` says what a change of one of `names` would do, beside what `Start` knows; empty where it does nothing."""

    names: frozenset[str]
    type: HazardType
    judge: Callable[[Start], str]


def room(start: Start) -> str:
    """Connections for whoever is no superuser, beside those that are there now."""
    now, coming = _room(start.now), _room(start.coming)
    taken = start.around.sessions or 0
    if coming is None or coming >= max(LEAST_ROOM, taken + 1) or (now is not None and coming >= now):
        return ""
    left = f"{coming} connections are left for whoever is no superuser, and {taken} are taken now"
    return left if start.superuser else f"{left}: this role, which is none, may not come in again"


def senders(start: Start) -> str:
    """Standbys, and others that stream, whose places go."""
    taken = start.around.senders or 0
    coming = start.number("max_wal_senders")
    if coming >= taken or not start.differs("max_wal_senders"):
        return ""
    return f"{taken} stream from here now, and {coming} may"


def hangs(start: Start) -> str:
    """Commits that wait for standbys that do not stream."""
    if start.in_recovery or not _waits(start.coming) or not _is_short(start.coming, start.around.streaming):
        return ""
    if _waits(start.now) and _is_short(start.now, start.around.streaming):
        return ""
    wanted = _synchronous(start.coming)
    which = f"{wanted.least} of {', '.join(wanted.names)}" if wanted else "standbys"
    if start.around.streaming is None:
        return f"every commit waits for {which}, and whether they stream from here this role cannot see (pg_monitor)"
    there = ", ".join(sorted(start.around.streaming)) or "nobody"
    return f"every commit waits, without end, for {which}, and who streams from here is {there}"


def waits_for_fewer(start: Start) -> str:
    """Commits that wait for fewer standbys than they did."""
    now, coming = _synchronous(start.now), _synchronous(start.coming)
    count = coming.least if coming else 0
    if now is None or count >= now.least:
        return ""
    return f"commits wait for {count} standbys instead of {now.least}: when this server is lost, so are they"


def rules_of_tls(start: Start) -> str:
    """Lines of pg_hba.conf that hold without TLS only."""
    if start.text("ssl") != "on" or not start.differs("ssl") or "hostnossl" not in start.around.let_in:
        return ""
    return "pg_hba.conf has lines of the type hostnossl: whom they let in is refused if the client can do TLS"


CONNECTIONS = frozenset({"max_connections", "reserved_connections", "superuser_reserved_connections"})
SYNCHRONOUS = frozenset({"synchronous_commit", "synchronous_standby_names"})
NAMED = frozenset({"synchronous_standby_names"})

RULES: tuple[Rule, ...] = (
    Rule(CONNECTIONS, HazardType.STOPS_SERVICE, room),
    Rule(frozenset({"max_wal_senders"}), HazardType.STOPS_SERVICE, senders),
    Rule(SYNCHRONOUS, HazardType.STOPS_SERVICE, hangs),
    Rule(NAMED, HazardType.LESS_SAFE, waits_for_fewer),
    Rule(frozenset({"ssl"}), HazardType.STOPS_SERVICE, rules_of_tls),
    Rule(memory.OF_SESSIONS, HazardType.STOPS_SERVICE, memory.sessions),
    Rule(memory.OF_VACUUM, HazardType.STOPS_SERVICE, memory.vacuum),
)

NAMES: frozenset[str] = frozenset().union(*(rule.names for rule in RULES))

CONNECTED = NAMES - memory.NAMES
"""Settings for which it has to be known who is connected."""


def leant_on(name: str) -> frozenset[str]:
    """The settings that the rules for `name` look at."""
    return frozenset().union(*(rule.names for rule in RULES if name in rule.names))


def _room(values: Mapping[str, Canonical]) -> int | None:
    most = values.get("max_connections")
    kept = (values.get(name, 0) for name in CONNECTIONS - {"max_connections"})
    return most - sum(number for number in kept if isinstance(number, int)) if isinstance(most, int) else None


def _synchronous(values: Mapping[str, Canonical]) -> StandbyNames | None:
    text = values.get("synchronous_standby_names")
    return parse(text) if isinstance(text, str) else None


def _waits(values: Mapping[str, Canonical]) -> bool:
    return values.get("synchronous_commit") not in ("off", "local") and _synchronous(values) is not None


def _is_short(values: Mapping[str, Canonical], streaming: tuple[str, ...] | None) -> bool:
    """Whether fewer standbys stream than a commit waits for; names are compared as the server does, in any case."""
    wanted = _synchronous(values)
    if wanted is None or streaming is None:
        return wanted is not None
    known = {name.lower() for name in wanted.names}
    there = sum("*" in known or name.lower() in known for name in streaming)
    return there < wanted.least
