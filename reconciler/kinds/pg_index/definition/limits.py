"""What no index can hold, whatever the server: told before any is asked.

Decided: docs/decisions.md#size-of-a-predicate, docs/decisions.md#what-a-version-decides
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.kinds.pg_index.definition.access_methods import Impossible, beyond
from reconciler.kinds.pg_index.model import Definition
from reconciler.targets.sql_tree import column_references

MOST_COLUMNS = 32
"""INDEX_MAX_KEYS, included columns among them."""

SYSTEM_COLUMNS = frozenset({"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"})
"""No column of a table can have such a name (src/backend/catalog/heap.c)."""

_SYSTEM_COLUMN = re.compile("|".join(sorted(SYSTEM_COLUMNS)))


def impossible(definition: Definition, table: str) -> Impossible | None:
    """What no server takes of an index of `table`; None where some may."""
    return next((why for found in (_in_itself(definition, table), beyond(definition)) for why in found), None)


def columns_of(definition: Definition, table: str) -> set[str]:
    """All columns of `table` that a definition names."""
    return _columns(definition, definition.expressions, table)


def _in_itself(definition: Definition, table: str) -> Iterator[Impossible]:
    count = len(definition.keys) + len(definition.include)
    if count > MOST_COLUMNS:
        yield Impossible(f"it has {count} columns; PostgreSQL takes {MOST_COLUMNS}, included ones among them")
    # Few texts hold such a name, and only those are parsed.
    suspect = [text for text in definition.expressions if _SYSTEM_COLUMN.search(text.lower())]
    if system := sorted(_columns(definition, suspect, table) & SYSTEM_COLUMNS):
        yield Impossible(f"{', '.join(system)}: a system column cannot be in an index")
    classes = (key.opclass_options for key in definition.keys if key.opclass_options)
    pairs = [("with", definition.options), *(("its operator class", options) for options in classes)]
    for where, options in pairs:
        names = [name for name, _ in options]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield Impossible(f"{where}: {name} stands there twice", name if where == "with" else "")
    if definition.tablespace == "pg_global":
        yield Impossible("tablespace: pg_global holds what all databases share, and no index of a table")


def _columns(definition: Definition, expressions: Sequence[str], table: str) -> set[str]:
    found = {key.column for key in definition.keys if key.column} | set(definition.include)
    return found | {name for text in expressions for name in _columns_in(text, table)}


def _columns_in(text: str, table: str) -> Iterator[str]:
    for node in column_references(text):
        names = [part.string.sval for part in node.fields]
        if len(names) == 1 or names[:-1] == [table]:
            yield names[-1]
