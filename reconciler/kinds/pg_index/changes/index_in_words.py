"""Indexes in words: for policies as JSON, for people in a line."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.pg_index.changes import statements
from reconciler.kinds.pg_index.model import Definition, Element, PgIndex
from reconciler.kinds.pg_index.observed import LiveIndex
from reconciler.targets.postgres.quoting import identifier


def as_json(index: PgIndex, definition: Definition, *, name: str = "") -> dict[str, Any]:
    """What `before` and `after` hold of a definition; of an index that is renamed, also its `name`."""
    found = {"name": name} if name else {}
    return found | {
        "table": f"{index.schema_name}.{index.table}",
        "method": definition.method,
        "columns": [statements.element(key).as_string(None) for key in definition.keys],
        "include": list(definition.include),
        "unique": definition.unique,
        "nulls_not_distinct": definition.nulls_not_distinct,
        "predicate": definition.predicate or None,
        "options": dict(definition.options),
        "tablespace": definition.tablespace or None,
        "comment": definition.comment or None,
        "statistics": {str(number): target for number, target in definition.statistics},
        "valid": True,
    }


def live_as_json(index: PgIndex, live: LiveIndex, *, named: bool = False) -> dict[str, Any]:
    """The same of an index that is there."""
    return as_json(index, as_definition(live), name=live.name if named else "") | {"valid": live.valid}


def as_definition(live: LiveIndex) -> Definition:
    """A live index in the words of a declaration; defaults left out as a person would."""
    return Definition(
        method=live.method,
        unique=live.unique,
        nulls_not_distinct=live.nulls_not_distinct,
        keys=tuple(
            Element(
                column=key.column,
                expression=key.expression,
                collation=() if key.collation_is_default else _name(key.collation, key.collation_is_visible),
                # Without its name, parameters would read as a function's arguments.
                opclass=()
                if key.opclass_is_default and not key.opclass_options
                else _name(key.opclass, key.opclass_is_visible),
                opclass_options=key.opclass_options,
                descending=key.descending,
                nulls_first=key.nulls_first,
            )
            for key in live.keys
        ),
        include=live.include,
        predicate=live.predicate,
        options=live.options,
        tablespace=live.tablespace,
        comment=live.comment,
        statistics=live.statistics,
    )


def as_declared(live: LiveIndex) -> Definition:
    """The same without a tablespace that is the database's own, which a person would leave out."""
    definition = as_definition(live)
    return definition if live.elsewhere else definition.model_copy(update={"tablespace": ""})


def _name(name: tuple[str, ...], visible: bool) -> tuple[str, ...]:
    return name[-1:] if visible else name


def brief_live(live: LiveIndex, beside: Definition) -> str:
    """As `brief`; the tablespace is only said where the definition beside it has an opinion about it."""
    definition = as_definition(live)
    said = brief(definition if beside.tablespace else definition.model_copy(update={"tablespace": ""}))
    return said if live.immediate else f"deferrable {said}"


def brief(definition: Definition) -> str:
    """A definition in a few words: `unique (user_id, last_seen desc) where …`."""
    keys = ", ".join(statements.element(key).as_string(None) for key in definition.keys)
    parts = [
        "unique" if definition.unique else "",
        f"using {definition.method}" if definition.method != "btree" else "",
        f"({keys})",
        f"include ({', '.join(identifier(column).as_string(None) for column in definition.include)})"
        if definition.include
        else "",
        f"where {definition.predicate}" if definition.predicate else "",
        f"with ({parameters(definition.options)})" if definition.options else "",
        f"tablespace {definition.tablespace}" if definition.tablespace else "",
    ]
    return " ".join(part for part in parts if part)


def parameters(options: tuple[tuple[str, str], ...]) -> str:
    """`fillfactor=70, fastupdate=off`, or "defaults" for none."""
    return ", ".join(f"{name}={value}" for name, value in options) or "defaults"
