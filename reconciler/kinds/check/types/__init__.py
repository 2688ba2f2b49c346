"""The types of checks: a module and a line of this table for each.

The key that names a type in the YAML is the name of its module, and a field of its model. The order is that in which
people are told of them, and in which they are read.

Decided: docs/decisions.md#table-of-types
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from reconciler.kinds.check.check_type import CheckType

KEYS = (
    "sql",
    "pg_setting",
    "indexes",
    "redis_setting",
    "redis_info",
    "redis_user",
    "redis_unauthenticated",
    "redis_persistence",
    "redis_fragmentation",
    "http",
    "file",
    "attestation",
)

TYPES: Mapping[str, CheckType[Any, Any]] = {key: import_module(f"{__name__}.{key}").TYPE for key in KEYS}
