"""What a restart brings beside what it is for: lines that somebody else wrote, and that wait for one as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.kinds.pg_setting import risk, values
from reconciler.kinds.pg_setting.changes import managed, patroni
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import FileEntry, PatroniSeen, Server
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.model import SENSITIVE, Hazard, HazardType
from reconciler.targets.postgres.session import Row


def brought(
    waiting: Sequence[tuple[Definition, Row]], entries: Mapping[str, Sequence[FileEntry]], server: Server
) -> dict[str, tuple[Hazard, ...]]:
    """By setting, in their order, what that may do, or merely that it comes true.

    `waiting`: what only a restart changes, with what pg_settings says of it. A line that the server has not read yet
    counts if ALTER SYSTEM wrote it: of others nobody knows whether they are finished.
    """
    found: dict[str, tuple[Hazard, ...]] = {}
    for definition, row in sorted(waiting, key=lambda one: one[0].name):
        lines = entries.get(definition.name, ())
        last = lines[-1] if lines else None
        running = values.read(definition, row["setting"])
        coming = values.read(definition, last.setting if last else definition.boot_val)
        unread = last is not None and last.by_alter_system and coming != running
        if not row["pending_restart"] and not unread:
            continue
        found[definition.name] = _hazards(definition, [running], coming if server.files_visible else None, server)
    return found


def by_patroni(definitions: Iterable[Definition], seen: PatroniSeen, server: Server) -> dict[str, tuple[Hazard, ...]]:
    """The same of a cluster: what only a restart changes, and a member does not run as Patroni's configuration has it.

    Patroni gives some settings on the command line, so that no server knows that it waits.
    """
    found: dict[str, tuple[Hazard, ...]] = {}
    for definition in sorted(definitions, key=lambda one: one.name):
        name = definition.name
        coming = values.read(definition, seen.parameters.get(name))
        least = managed.PATRONI_LEAST.get(name)
        ignored = least is not None and isinstance(coming, int) and coming < least
        if ignored or name in managed.PATRONI_FROM_THE_NODE or name in managed.PATRONI_OF_REPLICAS:
            continue
        if patroni.waiting(definition, seen):
            running = [values.read(definition, member[name].text) for member in seen.running.values() if name in member]
            found[name] = _hazards(definition, running, coming, server)
    return found


def _hazards(
    definition: Definition, running: Sequence[Canonical | None], coming: Canonical | None, server: Server
) -> tuple[Hazard, ...]:
    if coming is None:
        unseen = f"it brings another {definition.name}, and this role cannot see which"
        return (Hazard(type=HazardType.LESS_SAFE, message=unseen),)
    shown = SENSITIVE if definition.name in names.SENSITIVE else values.shown(definition, coming) or repr("")
    merely = f"{definition.name} = {shown}, which somebody else wrote"
    risks = risk.of_change(definition, running, coming, server)
    return tuple(
        each.model_copy(update={"message": f"it brings {each.message}"})
        for each in risks or (Hazard(type=HazardType.WAITS_FOR_RESTART, message=merely),)
    )
