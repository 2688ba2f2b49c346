"""Writes down what a target has, as the YAML that declares it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from reconciler.errors import UsageError
from reconciler.kind import Imports
from reconciler.kinds.pg_index.syntax import qualified_name
from reconciler.kinds.registry import KINDS
from reconciler.model import Target, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.nodes import nodes

_TABLES = "tables"
"""The section whose entries belong to schemas."""


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
    writing = [(kind.name, kind) for kind in kinds if isinstance(kind, Imports)]
    if not writing:
        raise UsageError(
            f"{target.name} is a {target.system.value} target, and of those nothing can be imported",
            hint="declare it by hand; what is not declared is not touched",
        )
    if schemas:
        writing = [(kind.name, kind) for kind in kinds if _TABLES in kind.sections and isinstance(kind, Imports)]
        if not writing:
            raise UsageError(f"{target.name} is a {target.system.value} target, and has no schemas")
    sections: dict[str, Any] = {}
    # All nodes of a cluster are to have the same: the first one speaks for them, and a plan says what differs.
    all_nodes = nodes(target, secrets)
    with closing(connect(all_nodes[0], secrets)) as session:
        for _, kind in writing:
            sections.update(kind.written(session))
        info = session.info
    if schemas:
        sections[_TABLES] = _of_schemas(sections[_TABLES], schemas)
    names = {name for name, _ in writing}
    without = tuple(kind.name for kind in kinds if kind.name not in names)
    return Written(info, sections, without, tuple(node.name for node in all_nodes))


def _of_schemas(tables: Mapping[str, Any], schemas: Collection[str]) -> dict[str, Any]:
    by_schema: dict[str, dict[str, Any]] = {}
    for name, section in tables.items():
        by_schema.setdefault(qualified_name(name)[0], {})[name] = section
    for schema in schemas:
        if schema not in by_schema:
            there = ", ".join(sorted(by_schema)) or "none"
            raise UsageError(
                f"no table with an index in schema {schema!r}", hint=f"names are taken as written; there are: {there}"
            )
    return {name: section for schema in by_schema if schema in schemas for name, section in by_schema[schema].items()}
