"""The plan and the receipt of `desired/`, made on servers of their own, without what differs between machines.

Decided: docs/decisions.md#plan-and-receipt-of-the-example
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from applying.acting import Seen

from reconciler.applying.apply import apply_plan
from reconciler.applying.gates.gate import Options
from reconciler.applying.interruption import Interruption
from reconciler.demo import data, tour
from reconciler.desired.load import Desired, load
from reconciler.documents import plan as plan_file
from reconciler.kinds.registry import KINDS
from reconciler.model import Fact, Plan, Receipt, System, TargetInfo
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

ROWS = 2_000
"""So few that ANALYZE reads all of them: estimates are the same each time."""

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 0.1
IDENTITY = {System.POSTGRES: ("127.0.0.1:5432", "7000000000000000000/app"), System.REDIS: ("127.0.0.1:6379",) * 2}


class Example(NamedTuple):
    """What `plan --out` and `apply --receipt` leave."""

    plan: Plan
    receipt: Receipt


def declared(environment: Mapping[str, str]) -> Desired:
    """What `desired/` declares, for whoever stands in the root of the repository: places are told from there."""
    return load(Path("desired"), KINDS, environment, Secrets(environment))


def made() -> Example:
    """Of this moment, on the embedded servers."""
    with tour.servers(keep=False) as running:
        with psycopg.connect(running.postgres.url(), autocommit=True) as connection:
            connection.execute(f"create database {tour.DATABASE}")
        with psycopg.connect(running.postgres.url(tour.DATABASE), autocommit=True) as connection:
            data.load(connection, ROWS)
        secrets = Secrets(running.environment)
        desired = declared(running.environment)
        fresh = make_plan(desired.targets, desired.resources, secrets, created_at=MOMENT, advised=True)
        plan = plan_file.load(plan_file.dump(fresh), source="the example")
        receipt = apply_plan(
            plan, desired.targets, secrets,
            options=Options(allowed=tour.HAZARDS), parallel=2, now=lambda: MOMENT,
            subscribers=[Seen()], interruption=Interruption(),
        )  # fmt: skip
    return alike(Example(plan, receipt))


def alike(example: Example) -> Example:
    """`example` as every machine would have it: addresses, versions in full, seconds and what is measured left out."""
    checks = [
        check.model_copy(update={"message": re.sub(r"fragmentation .* of [^:]+", "fragmentation", check.message)})
        for check in example.plan.checks
    ]
    targets = {name: _target(info) for name, info in example.plan.targets.items()}
    plan = plan_file.seal(example.plan.model_copy(update={"checks": tuple(checks), "targets": targets, "digest": ""}))
    changes = [
        change.model_copy(
            update={
                "seconds": SECONDS,
                "steps": tuple(step.model_copy(update={"seconds": SECONDS}) for step in change.steps),
                "evidence": tuple(map(_fact, change.evidence)),
            }
        )
        for change in example.receipt.changes
    ]
    seen = {name: targets[name] for name in example.receipt.targets}
    receipt = example.receipt.model_copy(
        update={"changes": tuple(changes), "plan_digest": plan.digest, "targets": seen}
    )
    return Example(plan, receipt)


def _target(info: TargetInfo) -> TargetInfo:
    if info.system not in IDENTITY:
        return info
    location, identity = IDENTITY[info.system]
    version = info.version.partition(".")[0]
    return info.model_copy(update={"location": location, "identity": identity, "version": version})


def _fact(fact: Fact) -> Fact:
    return fact.model_copy(update={"value": SECONDS}) if fact.unit == "seconds" else fact
