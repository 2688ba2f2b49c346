"""Where PostgreSQL puts a COLLATE when it reads it: around the casts of what it stands on.

`(s collate "C")::varchar(20)` is `s::varchar(20) collate "C"`, and of `(s collate "C")::int` nothing remains but the
cast (seen on 13 to 18).
"""

from __future__ import annotations

from typing import Any

_WITH = frozenset({"bpchar", "char", "name", "text", "varchar"})
_WITHOUT = frozenset(
    {"bit", "bool", "bytea", "date", "float4", "float8", "int2", "int4", "int8", "interval", "json", "jsonb", "numeric",
     "time", "timestamp", "timestamptz", "timetz", "uuid", "varbit", "xml"}
)  # fmt: skip
"""Types of PostgreSQL that have a collation, and some that have none."""


def keeps_collation(cast: Any) -> bool:
    """Whether what is cast so has a collation; False where that is not known."""
    return _type_of(cast) in _WITH


def move_out(node: Any) -> None:
    """Moves each COLLATE below `node` out of the casts around it."""
    from google.protobuf.message import Message

    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for child in [value] if isinstance(value, Message) else list(value):
                move_out(child)
    if node.DESCRIPTOR.name != "Node" or not node.HasField("type_cast"):
        return
    inner = node.type_cast.arg
    if not inner.HasField("collate_clause") or _type_of(node.type_cast) not in _WITH | _WITHOUT:
        return
    moved = type(node)()
    moved.CopyFrom(inner)
    node.type_cast.arg.CopyFrom(moved.collate_clause.arg)
    if keeps_collation(node.type_cast):
        moved.collate_clause.arg.CopyFrom(node)
        node.CopyFrom(moved)


def _type_of(cast: Any) -> str:
    """The name of a type of PostgreSQL, or of an array of it; empty for one of another schema."""
    names = [part.string.sval for part in cast.type_name.names]
    return names[-1] if names[:-1] in ([], ["pg_catalog"]) else ""
