"""The parts of an expression that casts of users may change, without a word of it in the text.

Decided: docs/decisions.md#what-folding-hides
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any, NamedTuple

from reconciler.kinds.pg_index.comparison.implied_operators import has_column
from reconciler.targets.sql_tree import is_clause, printed_expression


class Role(Enum):
    """Where a value stands that users' casts may change: below a cast that is written, in a row or an array below one,
    which PostgreSQL casts element by element, or somewhere else."""

    CAST = auto()
    INSIDE = auto()
    FREE = auto()


class Value(NamedTuple):
    """A part of an expression that may be cast. `is_column`: it is none that is computed beforehand; `is_literal`: a
    constant with its type, which does not have to be written."""

    text: str
    role: Role
    is_column: bool
    is_literal: bool


_VALUES = frozenset(
    {"a_expr", "a_indirection", "bool_expr", "boolean_test", "case_expr", "coalesce_expr", "column_ref",
     "func_call", "min_max_expr", "null_test", "row_expr", "type_cast"}
)  # fmt: skip
"""Without arrays, whose elements are cast: an array of constants may be written as the list of IN."""


def walk(
    node: Any, kind: Callable[[Any], str], above: str = "", role: Role = Role.FREE
) -> Iterator[tuple[Any, str, Role | None]]:
    """All nodes below, with their kinds. `above`: what `node` is part of; `role`: that of values in it.

    No value is what a field is taken of, or what is looked at for NULL: that is not cast.
    """
    from google.protobuf.message import Message

    found = node.WhichOneof("node") if node.DESCRIPTOR.name == "Node" else ""
    below = role
    if found == "collate_clause":  # it stands around casts, wherever it is written
        found = ""
    elif found:
        below = Role.CAST if found == "type_cast" else Role.FREE
        if found in ("a_array_expr", "row_expr") and role is not Role.FREE:
            below = Role.INSIDE
    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else list(value):
                yield from walk(child, kind, found or above, below)
    if node.DESCRIPTOR.name == "Node" and not (above == "a_expr" and is_clause(node)):
        yield node, kind(node), role if found in _VALUES and above not in ("a_indirection", "null_test") else None


def value_of(node: Any, role: Role) -> Value:
    """What is known of a value without asking the server."""
    inner = node
    while inner.HasField("type_cast"):
        inner = inner.type_cast.arg
    return Value(printed_expression(node), role, has_column(node), inner.HasField("a_const"))
