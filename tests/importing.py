"""What is on a server as YAML, and what a plan makes of it: through the real writer, loader and planner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.desired.load import load
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan, Target
from reconciler.planning.importing import write_target
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.yaml.writing import LeftOut, Noted, document


def imported(target: Target) -> str:
    """What `reconciler import` prints below its remarks."""
    return document({"target": target.name, **sections(target)})


def sections(target: Target) -> Mapping[str, Any]:
    return write_target(target, Secrets({})).sections


def planned(folder: Path, target: Target, text: str) -> Plan:
    """The plan of a folder that holds nothing but `text`, for the server at `target`."""
    folder.mkdir(exist_ok=True)
    declared = f"{target.name}: {{{target.system.value}: '${{TARGET_URL}}'}}"
    (folder / "targets.yaml").write_text(f"targets:\n  {declared}\n")
    (folder / "imported.yaml").write_text(text, encoding="utf-8")
    env = {"TARGET_URL": target.url.get_secret_value()}
    desired = load(folder, KINDS, env, Secrets(env))
    plan = make_plan(desired.targets, desired.resources, Secrets(env), created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert plan.unreachable == ()
    return plan


def values(section: Any) -> Any:
    """A section without its comments and what is left out."""
    if isinstance(section, Noted):
        return values(section.value)
    if isinstance(section, Mapping):
        return {key: values(value) for key, value in section.items() if not isinstance(value, LeftOut)}
    return section
