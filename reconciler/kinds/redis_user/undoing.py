"""What would have to be declared for a change of a user to be undone, by the states that its receipt holds.

Rules come back. A password does not: receipts hold none, and the server only a hash of the one that is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reconciler.errors import CannotUndo
from reconciler.kind import Declaration
from reconciler.kind.undoing import Former
from reconciler.kinds.redis_user.declare import declare
from reconciler.kinds.redis_user.model import RedisUser, UserSection
from reconciler.model import SENSITIVE, Action, Change, ChangeReceipt, Frozen, Target

_NOT_NEEDED, _NONE = "not needed", "none"
"""What a state says of a password, beside SENSITIVE: see `plan.py`."""

_UNDONE_BY: Mapping[Action, Action] = {
    Action.CREATE: Action.DELETE,
    Action.UPDATE: Action.UPDATE,
    Action.DELETE: Action.CREATE,
}


class _State(Frozen):
    """What `before` and `after` hold: see `plan.py`."""

    rules: str = ""
    password: str = _NONE
    persisted: str | None = None


def former(done: ChangeReceipt, node: Target) -> Former:
    """See `kind.Undoes`."""
    before, after = _state(done.before), _state(done.after)
    if before is None:
        return Former(_declared(done, node, None))
    if before.persisted is not None:
        raise CannotUndo("it was before as it is now, and was only persisted: nothing else was changed")
    there = after.password if after else _NONE
    if before.password == SENSITIVE and there != SENSITIVE:
        raise CannotUndo(
            "its former password is in no receipt, and nobody knows it",
            hint="declare the user as it was, with password: {env: NAME} or {file: PATH}",
        )
    if before.password == _NONE and there not in (_NONE, before.password):
        raise CannotUndo(
            "it had no password, so that nobody could log in as it, and no declaration takes one away",
            hint="turn it off: {rules: off …}",
        )
    kept = before.password == there == SENSITIVE
    lost = ("its former password, where the change set another: it is in no receipt",) if kept else ()
    return Former(_declared(done, node, before), lost=lost)


def left(done: ChangeReceipt, node: Target) -> RedisUser:
    """See `kind.Undoes`. Of its password nothing is compared: a receipt holds none."""
    return _declared(done, node, _state(done.after))


def restores(done: ChangeReceipt, change: Change) -> str:
    """See `kind.Undoes`."""
    if change.action is _UNDONE_BY.get(done.action):
        return ""
    return f"to {done.action} it is not undone by this: to {change.action} it"


def _state(state: Mapping[str, Any] | None) -> _State | None:
    return None if state is None else _State.model_validate(dict(state), strict=True)


def _declared(done: ChangeReceipt, node: Target, state: _State | None) -> RedisUser:
    section: UserSection | Literal["absent"] = "absent"
    if state is not None:
        nopass = ["nopass"] if state.password == _NOT_NEEDED else []
        section = UserSection(rules=" ".join([*nopass, state.rules]))
    declaration = Declaration(
        target=node, section="users", value={done.address.name: section}, file="", at=lambda path: ""
    )
    [found] = declare(declaration)
    return found
