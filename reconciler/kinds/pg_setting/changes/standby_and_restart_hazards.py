"""What a change of a setting means for standbys, and for the moment at which it comes true. Other risks: see `risk`."""

from __future__ import annotations

from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.startup.standby import NOT_LOWER
from reconciler.kinds.pg_setting.values import Canonical
from reconciler.model import Hazard, HazardType


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
