"""What would have to be declared for a change of an index to be undone, by the states that its receipt holds.

The words of those states are read as those of YAML are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reconciler.errors import CannotUndo
from reconciler.kind import Declaration
from reconciler.kind.undoing import Former
from reconciler.kinds.pg_index.declare import declare
from reconciler.kinds.pg_index.model import PgIndex
from reconciler.kinds.pg_index.sections import IndexSection, TableSection
from reconciler.model import Action, Change, ChangeReceipt, Frozen, Target

_UNDONE_BY: Mapping[Action, frozenset[Action]] = {
    Action.CREATE: frozenset({Action.DELETE}),
    Action.DELETE: frozenset({Action.CREATE}),
    Action.UPDATE: frozenset({Action.UPDATE, Action.REPLACE}),
    Action.REPLACE: frozenset({Action.UPDATE, Action.REPLACE}),
    Action.RENAME: frozenset({Action.RENAME}),
}
"""What an undoing may do: an index that was dropped is built, and none is renamed or replaced for it."""

_WAS_INVALID = "it was INVALID before, so that no query used it"


class _State(Frozen):
    """What `before` and `after` hold: see `changes/index_in_words.py`."""

    table: str
    method: str
    columns: list[str]
    include: list[str]
    unique: bool
    nulls_not_distinct: bool
    predicate: str | None
    options: dict[str, str]
    tablespace: str | None
    comment: str | None
    statistics: dict[str, int]
    valid: bool
    name: str = ""


def former(done: ChangeReceipt, node: Target) -> Former:
    """See `kind.Undoes`."""
    before, after = _state(done.before), _state(done.after)
    if before is None and done.action is Action.RENAME:
        raise CannotUndo(
            "its receipt does not say what it was called: names were exchanged among several, or an earlier version "
            "wrote it",
            hint="revert what was declared: the plan of that renames them back",
        )
    if before is None:
        taken = ("the index of another table that was dropped for its name",) if done.inverse else ()
        return Former(_absent(done, node, after), lost=taken)
    if not before.valid and done.action in (Action.REBUILD, Action.DELETE):
        return Former(None, says=_WAS_INVALID)
    name = before.name if done.action is Action.RENAME else _name(done)
    resource = _present(done, node, name, before, after)
    if done.action is Action.RENAME:
        resource = resource.model_copy(update={"takes": _name(done)})
    return Former(resource, lost=_LOST.get(done.action, ()))


_LOST: Mapping[Action, tuple[str, ...]] = {
    Action.DELETE: (
        "how often it was used, which begins at 0",
        "whether CLUSTER sorted by it, or it was a replica identity, which no receipt holds",
    ),
    Action.REPLACE: ("how often the former one was used, which begins at 0",),
}


def left(done: ChangeReceipt, node: Target) -> PgIndex:
    """See `kind.Undoes`."""
    after = _state(done.after)
    if after is None:
        return _absent(done, node, _state(done.before))
    return _present(done, node, _name(done), after, None)


def restores(done: ChangeReceipt, change: Change) -> str:
    """See `kind.Undoes`."""
    if change.action in _UNDONE_BY.get(done.action, frozenset()):
        return ""
    return f"to {done.action} it is not undone by this: to {change.action} it"


def _state(state: Mapping[str, Any] | None) -> _State | None:
    return None if state is None else _State.model_validate(dict(state), strict=True)


def _schema_and_name(done: ChangeReceipt) -> tuple[str, str]:
    """As `full_name` puts them together."""
    text = done.address.name
    if text.startswith('"'):
        schema, found, name = text[1:].partition('".')
    else:
        schema, found, name = text.partition(".")
    if not (schema and found and name):
        raise CannotUndo(f"{text!r} is not the name of an index")
    return schema, name


def _name(done: ChangeReceipt) -> str:
    return _schema_and_name(done)[1]


def _absent(done: ChangeReceipt, node: Target, state: _State | None) -> PgIndex:
    if state is None:
        raise CannotUndo("its receipt says neither what was there before nor what came")
    return _declared(done, node, _name(done), state, "absent")


def _present(done: ChangeReceipt, node: Target, name: str, state: _State, other: _State | None) -> PgIndex:
    """The index of `state`; what `other` has beside it of comment and statistics targets is to go."""
    comment, statistics = state.comment, {int(number): target for number, target in state.statistics.items()}
    if other is not None:
        comment = "" if comment is None and other.comment is not None else comment
        statistics = {int(number): -1 for number in other.statistics} | statistics
    section = IndexSection.model_validate(
        {
            "columns": state.columns,
            "using": state.method,
            "unique": state.unique,
            "nulls_not_distinct": state.nulls_not_distinct,
            "include": state.include,
            "where": state.predicate or "",
            "with": state.options,
            "tablespace": state.tablespace or "",
            "comment": comment,
            "statistics": statistics,
        }
    )
    return _declared(done, node, name, state, section)


def _declared(
    done: ChangeReceipt, node: Target, name: str, state: _State, section: IndexSection | Literal["absent"]
) -> PgIndex:
    schema = _schema_and_name(done)[0]
    if not state.table.startswith(f"{schema}."):
        raise CannotUndo(f"it says to be of the table {state.table!r}, and of the schema {schema!r}")
    table = f"{_quoted(schema)}.{_quoted(state.table.removeprefix(f'{schema}.'))}"
    declaration = Declaration(
        target=node, section="tables", value={table: TableSection(indexes={_quoted(name): section})},
        file="", at=lambda path: "",
    )  # fmt: skip
    [index] = [each for each in declare(declaration) if isinstance(each, PgIndex)]
    return index.model_copy(update={"takes": ""})


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
