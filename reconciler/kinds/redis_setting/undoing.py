"""What would have to be declared for a change of a setting to be undone, by the states that its receipt holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import CannotUndo
from reconciler.kind import Declaration
from reconciler.kind.undoing import Former
from reconciler.kinds.redis_setting.declare import declare
from reconciler.kinds.redis_setting.model import RedisSetting
from reconciler.model import SENSITIVE, Change, ChangeReceipt, Frozen, Target

_EVICTING = frozenset({"maxmemory", "maxmemory-policy"})


class _State(Frozen):
    """What `before` and `after` hold: see `plan.py`. `persisted` only where nothing but that was changed."""

    value: str
    persisted: str | None = None


def former(done: ChangeReceipt, node: Target) -> Former:
    """See `kind.Undoes`."""
    before = _state(done.before)
    if before.persisted is not None:
        raise CannotUndo(
            "it ran before as it runs now, and was only persisted: no command brings a line of its file back alone",
            hint="edit the configuration file, where it should differ from what runs",
        )
    if before.value == SENSITIVE:
        raise CannotUndo(
            "its former value is a secret, and in no receipt", hint="declare it as it was: {env: NAME} or {file: PATH}"
        )
    lost = ("keys that were evicted meanwhile",) if done.address.name in _EVICTING else ()
    return Former(_declared(done, node, before.value), lost=lost)


def left(done: ChangeReceipt, node: Target) -> RedisSetting | None:
    """See `kind.Undoes`."""
    after = _state(done.after)
    return None if after.value == SENSITIVE else _declared(done, node, after.value)


def restores(done: ChangeReceipt, change: Change) -> str:
    """See `kind.Undoes`."""
    before, comes = _state(done.before), _state(change.after)
    if comes.value == before.value:
        return ""
    return f"it was {before.value or _NOTHING} before, and what would come back is {comes.value or _NOTHING}"


_NOTHING = '""'


def _state(state: Mapping[str, Any] | None) -> _State:
    if state is None:
        raise CannotUndo("its receipt does not say what it was")
    return _State.model_validate(dict(state), strict=True)


def _declared(done: ChangeReceipt, node: Target, value: str) -> RedisSetting:
    declaration = Declaration(
        target=node, section="settings", value={done.address.name: value}, file="", at=lambda path: ""
    )
    [found] = declare(declaration)
    if found.address != done.address:
        raise CannotUndo(f"{done.address.name!r} is not the name of a parameter")
    return found
