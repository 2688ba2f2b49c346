"""Writes down what a target has, as the YAML that declares it.

Decided: docs/decisions.md#one-schema
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import UsageError
from reconciler.kind.importing import Imports, InSchemas
from reconciler.kinds.registry import KINDS
from reconciler.model import Target, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import open_sessions
from reconciler.targets.unnamed import is_unnamed, shown
from reconciler.yaml.writing import LeftOut, Noted


@dataclass(frozen=True, slots=True)
class Written:
    """What one target has. `sections` are as `Imports.written` gives them; `without` names the kinds that give none,
    `nodes` all nodes of the target, the one that was read first."""

    info: TargetInfo
    sections: Mapping[str, Any]
    without: tuple[str, ...]
    nodes: tuple[str, ...] = ()


def write_target(target: Target, secrets: Secrets, schemas: Collection[str] = ()) -> Written:
    """Asks every kind of the target's system for what it has.

    With `schemas` only tables are asked for, those of these schemas: what belongs to no schema would be declared twice
    by files of several schemas. Raises TargetError; UsageError where no kind of this system can be written down, the
    system has no schemas, or a schema has no table with an index.
    """
    kinds = [kind for kind in KINDS if kind.system == target.system and kind.sections]
    writing: list[tuple[str, Imports[Any]]] = [(kind.name, kind) for kind in kinds if isinstance(kind, Imports)]
    if not writing:
        raise UsageError(
            f"{target.name} is a {target.system.value} target, and of those nothing can be imported",
            hint="declare it by hand; what is not declared is not touched",
        )
    if schemas:
        writing = [(kind.name, kind) for kind in kinds if isinstance(kind, InSchemas) and isinstance(kind, Imports)]
        if not writing:
            raise UsageError(f"{target.name} is a {target.system.value} target, and has no schemas")
    sections: dict[str, Any] = {}
    # All nodes of a cluster are to have the same: the first one speaks for them, and a plan says what differs.
    with open_sessions(secrets) as sessions:
        all_nodes = nodes(target, sessions)
        with sessions.lent(all_nodes[0]) as session:
            for _, kind in writing:
                sections.update(kind.written(session))
            info = session.info
    sections = {section: _nameable(entries) for section, entries in sections.items()}
    if schemas:
        for _, kind in writing:
            if isinstance(kind, InSchemas):
                sections[kind.section_of_schemas] = _of_schemas(kind, sections[kind.section_of_schemas], schemas)
    names = {name for name, _ in writing}
    without = tuple(kind.name for kind in kinds if kind.name not in names)
    return Written(info, sections, without, tuple(node.name for node in all_nodes))


UNNAMED = "left out: its name, or what it is made of, is no text in UTF-8"

_NAMED = {"indexes", "settings", "databases"}
"""What holds entries with names of their own, inside of an entry."""


def _nameable(entries: Any) -> Any:
    """Named `entries` without those that hold what nobody can write in a file; the smallest that can be left out."""
    if not isinstance(entries, Mapping):
        return entries
    found: dict[str, Any] = {}
    for name, entry in entries.items():
        value = entry
        if isinstance(entry, Mapping):
            value = {key: _nameable(inner) if key in _NAMED else inner for key, inner in entry.items()}
        if is_unnamed(name) or _holds_unnamed(value):
            found["".join(shown(char) or char for char in name)] = LeftOut(UNNAMED)
        else:
            found[name] = value
    return found


def _holds_unnamed(value: Any) -> bool:
    match value:
        case str():
            return is_unnamed(value)
        case Mapping():
            return any(
                not isinstance(inner, LeftOut) and (is_unnamed(str(key)) or _holds_unnamed(inner))
                for key, inner in value.items()
            )
        case Noted():
            return _holds_unnamed(value.value)
        case Sequence():
            return any(map(_holds_unnamed, value))
    return False


def _of_schemas(kind: InSchemas, entries: Mapping[str, Any], schemas: Collection[str]) -> dict[str, Any]:
    by_schema: dict[str, dict[str, Any]] = {}
    for name, section in entries.items():
        by_schema.setdefault(kind.schema_of(name), {})[name] = section
    for schema in schemas:
        if schema not in by_schema:
            there = ", ".join(sorted(by_schema)) or "none"
            raise UsageError(
                f"no table with an index in schema {schema!r}", hint=f"names are taken as written; there are: {there}"
            )
    return {name: section for schema in by_schema if schema in schemas for name, section in by_schema[schema].items()}
