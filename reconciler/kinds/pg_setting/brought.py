"""What a restart brings beside what it is for: lines that somebody else wrote, and that wait for one as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.kinds.pg_setting import names, risk, values
from reconciler.kinds.pg_setting.model import Definition, FileEntry, Server
from reconciler.model import SENSITIVE, Hazard, HazardType
from reconciler.targets.postgres import Row


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
        if not server.files_visible or coming is None:
            unseen = f"it brings another {definition.name}, and this role cannot see which"
            found[definition.name] = (Hazard(type=HazardType.LESS_SAFE, message=unseen),)
            continue
        shown = SENSITIVE if definition.name in names.SENSITIVE else values.shown(definition, coming) or repr("")
        merely = f"{definition.name} = {shown}, which somebody else wrote"
        risks = risk.of_change(definition, [running], coming, server)
        found[definition.name] = tuple(
            each.model_copy(update={"message": f"it brings {each.message}"})
            for each in risks or (Hazard(type=HazardType.WAITS_FOR_RESTART, message=merely),)
        )
    return found
