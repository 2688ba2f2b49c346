"""Declared indexes without YAML."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from reconciler.kind import Declaration
from reconciler.kinds.pg_index import KIND
from reconciler.model import Resource, Target


def tables(target: Target, section: dict[str, Any]) -> list[Resource]:
    """The resources of a `tables` section."""
    value = TypeAdapter(KIND.sections["tables"]).validate_python(section)
    return list(KIND.declare(Declaration(target, "tables", value, "x.yaml", lambda path: "x.yaml:1:1")))


def declared(target: Target, **indexes: Any) -> list[Resource]:
    """Indexes of public.tasks, by name."""
    return tables(target, {"public.tasks": {"indexes": indexes}})
