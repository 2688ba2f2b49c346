"""What would have to be declared for a change of a setting to be undone, by the states that its receipt holds.

What ALTER SYSTEM had written comes back as a value; where it had no part, it gets none, and what the files have below
counts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import CannotUndo
from reconciler.kind import Declaration
from reconciler.kind.undoing import Former
from reconciler.kinds.pg_setting import provenance
from reconciler.kinds.pg_setting.changes import patroni
from reconciler.kinds.pg_setting.declare import declare
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.sections import DatabaseSection, RoleSection
from reconciler.model import SENSITIVE, Change, ChangeReceipt, Frozen, Target

_RESET = "default"
_BUILT_IN = "default"
"""The source of a value that nobody has set."""


class _State(Frozen):
    """What `before` and `after` hold: see `changes/planned_outcomes.py`."""

    value: str | None
    source: str
    pending: str = ""


def former(done: ChangeReceipt, node: Target) -> Former:
    """See `kind.Undoes`."""
    before = _state(done.before)
    if SENSITIVE in (before.value, before.pending):
        raise CannotUndo("its former value is withheld, and in no receipt", hint="set it by hand, or declare it")
    lost = (f"{before.pending}, which was written, and not yet in force",) if before.pending else ()
    return Former(_declared(done, node, before), lost=lost)


def left(done: ChangeReceipt, node: Target) -> PgSetting | None:
    """See `kind.Undoes`."""
    after = _state(done.after)
    return None if after.value == SENSITIVE else _declared(done, node, after)


def restores(done: ChangeReceipt, change: Change) -> str:
    """See `kind.Undoes`."""
    before, comes = _state(done.before), _state(change.after)
    if comes.value == before.value or before.source == comes.source == _BUILT_IN:
        return ""
    if before.source == patroni.ABSENT and comes.value is None:
        return ""
    where = f", from {comes.source}" if comes.source else ""
    return f"it was {_word(before.value)} before, and what would come back is {_word(comes.value)}{where}"


def _word(value: str | None) -> str:
    return "not set" if value is None else value or "''"


def _state(state: Mapping[str, Any] | None) -> _State:
    if state is None:
        raise CannotUndo("its receipt does not say what it was")
    return _State.model_validate(dict(state), strict=True)


def _declared(done: ChangeReceipt, node: Target, state: _State) -> PgSetting:
    scope, _, name = done.address.name.rpartition("/")
    below = None
    value = state.value
    if scope or state.source == patroni.SOURCE or provenance.is_auto(state.source):
        value = _RESET if value is None else value
    elif state.source == patroni.ABSENT or value is None:
        value = _RESET
    elif state.source == provenance.SOME_FILE:
        raise CannotUndo("its receipt does not say in which file it stood: the role that planned it could not see that")
    else:
        below, value = value, _RESET
    section, written = _section(scope, name, value)
    declaration = Declaration(target=node, section=section, value=written, file="", at=lambda path: "")
    [found] = [each for each in declare(declaration) if isinstance(each, PgSetting)]
    if found.address != done.address:
        raise CannotUndo(f"{done.address.name!r} is not the name of a setting")
    return found.model_copy(update={"below": below})


def _section(scope: str, name: str, value: str) -> tuple[str, Any]:
    """The section of YAML that says it, and its value: of `role reporting in database app`, as `PgSetting.scope`."""
    settings = DatabaseSection(settings={name: value})
    kind, _, of = scope.partition(" ")
    match kind:
        case "":
            return "settings", {name: value}
        case "database":
            return "databases", {of: settings}
        case "role":
            role, found, database = of.partition(" in database ")
            if found:
                return "roles", {role: RoleSection(databases={database: settings})}
            return "roles", {role: RoleSection(settings={name: value})}
    raise CannotUndo(f"{scope!r} is nothing that has settings")
