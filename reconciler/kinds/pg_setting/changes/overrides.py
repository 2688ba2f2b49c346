"""Who gets another value where the declared one is in force: ALTER ROLE and ALTER DATABASE.

Decided: docs/decisions.md#values-beside-one-that-is-in-sync
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.changes import obstacles
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import Override, SettingObserved
from reconciler.kinds.pg_setting.values import names
from reconciler.model import Note, Notice, NoticeType, Outcome, SecretRef

EMPTY = "''"


class Overridden(Notice):
    """A note: some sessions begin with another value than the declared one, which is in sync.

    `as_declared`: the name that what gives it to them would have in an address, were it declared; no file has it.
    """

    as_declared: str = Field(exclude=True)


def noted(desired: PgSetting, observed: SettingObserved) -> list[Overridden]:
    """One for each role and database that gets another value, and is not declared to. Pure.

    What is given to all roles is in the way of the declared value, and no note. A standby repeats what its primary has.
    """
    definition = observed.definition
    in_force = observed.running if desired.of_instance else observed.own
    if definition is None or in_force is None or observed.server.in_recovery:
        return []
    known = values.read(definition, in_force)
    return [
        Overridden(
            address=desired.address,
            type=NoticeType.NOTE,
            note=Note.OTHER_VALUES,
            message=f"as declared, but {override.scope} gets another value{_shown(desired, override.value)}",
            declared_at=desired.declared_at,
            as_declared=_name(desired, override),
        )
        for override in observed.overrides
        if override.scope != obstacles.ALL_ROLES
        and _name(desired, override) not in observed.declared
        and values.read(definition, override.value) != known
    ]


def _name(desired: PgSetting, override: Override) -> str:
    return f"{override.scope}/{desired.setting}"


def _shown(desired: PgSetting, text: str) -> str:
    hidden = isinstance(desired.value, SecretRef) or desired.setting in names.SENSITIVE or "." in desired.setting
    return "" if hidden else f": {text or EMPTY}"


def declared_by_none(
    outcomes: Mapping[str, Sequence[Outcome]], declared: Mapping[str, Sequence[PgSetting]]
) -> dict[str, list[Outcome]]:
    """The outcomes of targets of one server, without notes of a value that one of them declares itself. Pure."""
    known = {each.own_name for settings in declared.values() for each in settings}
    return {
        target: [each for each in found if not (isinstance(each, Overridden) and each.as_declared in known)]
        for target, found in outcomes.items()
    }
