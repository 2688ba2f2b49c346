"""How the tests declare settings, and take the servers' word for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from pydantic import TypeAdapter
from waiting import reload as reload

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.changes.obstacles import never
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.model import PostgresTarget

SOMEWHERE = PostgresTarget(name="main", url="postgresql://nowhere", memory=16 << 30)


def declared(section: str, value: Any) -> list[PgSetting]:
    """The resources of one YAML section."""
    validated = TypeAdapter(KIND.sections[section]).validate_python(value)
    declaration = Declaration(SOMEWHERE, section, validated, "settings.yaml", lambda path: "settings.yaml:1:1")
    return list(KIND.declare(declaration))


def settings(values: Mapping[str, Any]) -> list[PgSetting]:
    """The instance's settings."""
    return declared("settings", values)


def definitions(connection: psycopg.Connection) -> list[tuple[Definition, str]]:
    """All settings that may be declared, with their values."""
    rows = connection.execute(
        "select lower(name), vartype, coalesce(unit, ''), min_val, max_val, enumvals, context, boot_val, setting"
        " from pg_settings where source <> 'client'"
        " and setting <> '(disabled)'"  # not a value: what archive_command shows while archive_mode is off
        " order by 1"
    )
    found = [
        (
            Definition(
                name=name, vartype=vartype, unit=unit, min_val=low, max_val=high, enumvals=tuple(names or ()),
                context=context, boot_val=boot,
            ),
            setting,
        )
        for name, vartype, unit, low, high, names, context, boot, setting in rows
    ]  # fmt: skip
    return [(definition, setting) for definition, setting in found if not never(definition)]
