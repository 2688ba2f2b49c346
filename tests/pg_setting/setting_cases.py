"""How the tests declare settings, and take the servers' word for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.model import System, Target

SOMEWHERE = Target(name="main", system=System.POSTGRES, url="postgresql://nowhere", memory=16 << 30)


def declared(section: str, value: Any) -> list[PgSetting]:
    """The resources of one YAML section."""
    validated = TypeAdapter(KIND.sections[section]).validate_python(value)
    declaration = Declaration(SOMEWHERE, section, validated, "settings.yaml", lambda path: "settings.yaml:1:1")
    return list(KIND.declare(declaration))


def settings(values: Mapping[str, Any]) -> list[PgSetting]:
    """The instance's settings."""
    return declared("settings", values)
