"""Writes down what targets have, as the YAML that declares it.

Decided: docs/decisions.md#one-schema
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from reconciler.errors import TargetError, UsageError
from reconciler.kind.importing import Imports, InSchemas
from reconciler.kinds.registry import KINDS
from reconciler.model import Target, TargetInfo, Unreachable
from reconciler.planning.unread import unread
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import OpenSessions, open_sessions
from reconciler.targets.servers_in_urls import sessions_to
from reconciler.targets.thread_pool import Pool
from reconciler.targets.undecodable_names import is_unnamed, shown
from reconciler.yaml.writing import LeftOut, Noted


@dataclass(frozen=True, slots=True)
class Written:
    """What one target has. `sections` are as `Imports.written` gives them; `without` names the kinds that give none,
    `node` the one of its `nodes` that was read, `unread` those that were to speak for it before, and did not answer."""

    target: str
    info: TargetInfo
    sections: Mapping[str, Any]
    without: tuple[str, ...]
    node: str
    nodes: tuple[str, ...]
    unread: tuple[Unreachable, ...] = ()


def write_all(
    targets: Mapping[str, Target], secrets: Secrets, schemas: Collection[str] = (), *, at_once: int
) -> Sequence[Written | Unreachable]:
    """What each of `targets` has, in their order; of one that cannot be read, why. Raises UsageError."""

    def written(target: Target) -> tuple[str, Written | Unreachable]:
        try:
            return target.name, write_target(target, secrets, schemas)
        except TargetError as error:
            return target.name, unread(target, error, secrets)

    with Pool[tuple[str, Written | Unreachable]](at_once) as pool:
        for target in targets.values():
            pool.add(partial(written, target), sessions_to(target))
        found = dict(pool.answers())
    return [found[name] for name in targets]


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
    with open_sessions(secrets) as sessions, ExitStack() as lent:
        all_nodes, session, silent = _first_that_answers(target, sessions, lent)
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
    return Written(
        target.name, info, sections, without, session.target.name, tuple(node.name for node in all_nodes),
        tuple(unread(target, error, secrets) for error in silent),
    )  # fmt: skip


def _first_that_answers(
    target: Target, sessions: OpenSessions, lent: ExitStack
) -> tuple[Sequence[Target], Any, Sequence[TargetError]]:
    """All nodes of `target`, a session to the first that answers, and why those before it did not. All nodes of a
    cluster are to have the same: one speaks for them, and a plan says what differs. Raises TargetError where none does.
    """
    silent: list[TargetError] = []
    try:
        all_nodes = nodes(target, sessions)
    except TargetError as error:
        if error.target == target.name:
            raise
        all_nodes, silent = [target], [error]  # a declared replica is not there, or none: it would not be read anyway
    for node in all_nodes:
        try:
            return all_nodes, lent.enter_context(sessions.lent(node)), silent
        except TargetError as error:
            silent.append(error)
    raise silent[0]


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
