"""Which index can answer what another one answers: the prefix rule for btree.

An index covers another where the other's keys are its first ones, in the same directions or all of them turned round,
with the same collations and operator classes, its predicate is the same or absent, and it carries all columns that the
other includes. A unique index is covered by none: it is a rule about the data, too.
"""

from __future__ import annotations

from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.kinds.pg_index.syntax import SyntaxProblem, canonical


def covers(wide: Definition, narrow: Definition) -> bool:
    """Whether an index of the definition `wide` can answer what one of the definition `narrow` answers. Pure."""
    return wide.method == narrow.method == "btree" and not narrow.unique and not lost(wide, narrow)


def lost(new: Definition, old: Definition) -> str:
    """What an index of the definition `old` answers and one of `new` in its place does not; empty for nothing. Pure.

    Of methods other than btree, where the order of keys hardly matters, a key that is missing is what is lost.
    """
    if new.method != old.method:
        return f"{new.method} answers other queries than {old.method}"
    if new.predicate and _spelled(new.predicate) != _spelled(old.predicate):
        return "its predicate is written otherwise, and may leave out rows that queries find by the old one"
    if old.unique and not new.unique:
        return "it is no longer unique"
    if old.unique and (old.nulls_not_distinct > new.nulls_not_distinct or len(new.keys) > len(old.keys)):
        return "more rows are unique to it"
    if old.method == "btree":
        pairs = list(zip(new.keys, old.keys, strict=False))
        forward = all(_order(one) == _order(other) for one, other in pairs)
        backward = all(_order(one) == (not other.descending, not other.nulls_first) for one, other in pairs)
        if len(new.keys) < len(old.keys):
            return "it has fewer keys"
        if any(_bare(one) != _bare(other) for one, other in pairs) or not (forward or backward):
            return "its leading keys are others, or are written otherwise"
    elif not {_bare(key) for key in old.keys} <= {_bare(key) for key in new.keys}:
        return "it has other keys"
    if not set(old.include) <= {*new.include, *(key.column for key in new.keys)}:
        return "it carries fewer columns"
    return ""


def _bare(key: Element) -> tuple[object, ...]:
    return key.column, _spelled(key.expression), key.collation, key.opclass, key.opclass_options


def _order(key: Element) -> tuple[bool, bool]:
    return key.descending, key.nulls_first


def _spelled(expression: str) -> str:
    try:
        return canonical(expression) if expression else ""
    except SyntaxProblem:
        return expression
