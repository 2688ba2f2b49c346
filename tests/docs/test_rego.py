"""The example of a policy in Rego, evaluated over plans by another implementation than OPA's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docs import generate

pytestmark = pytest.mark.thorough

POLICY = generate.ROOT / "docs/policies/plan.rego"
PLAN = generate.ROOT / "tests/views/golden/plan.json"


def denied(**otherwise: Any) -> list[str]:
    """What the policy has against the plan of the golden files, or one that has something `otherwise`."""
    regopy = pytest.importorskip("regopy", reason="regopy is not installed")
    interpreter = regopy.Interpreter()
    interpreter.add_module(POLICY.name, POLICY.read_text(encoding="utf-8"))
    interpreter.set_input(json.loads(PLAN.read_text(encoding="utf-8")) | otherwise)
    output = json.loads(str(interpreter.query("data.reconciler.deny")))
    return sorted(output["expressions"][0])


def change(hazard: str, **fact: Any) -> dict[str, Any]:
    return {
        "address": "main/pg_index/public.i", "type": "pg_index", "why": "", "hazards": [{"type": hazard}],
        "evidence": [{"unit": ""} | fact],
    }  # fmt: skip


def test_what_is_less_safe_needs_a_reason():
    assert denied() == ["main/pg_setting/fsync: less safe, and no why is declared"]


def test_an_index_that_is_used_is_not_dropped():
    used, unused = (change("index-drop", name="scans", value=scans) for scans in (7, 0))
    assert denied(resource_changes=[used]) == ["main/pg_index/public.i: dropped, and scanned 7 times"]
    assert denied(resource_changes=[unused]) == []


def test_nothing_is_built_for_longer_than_an_hour():
    long, short = (change("index-build", name="build time", unit="seconds", value=each) for each in (3700, 3600))
    assert denied(resource_changes=[long]) == ["main/pg_index/public.i: takes about 3700 s to build"]
    assert denied(resource_changes=[short]) == []


def test_a_plan_that_has_not_seen_everything_is_refused():
    plan = json.loads(PLAN.with_name("plan.partial.json").read_text(encoding="utf-8"))
    assert denied(**plan) == ["a target could not be read"]
