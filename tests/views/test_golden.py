"""Every view of one rich plan, as files to be looked at. `UPDATE_GOLDEN=1 pytest tests/views` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from views.sample import (
    CAUSED,
    FLEET,
    IGNORING,
    IN_SYNC,
    NARROWED,
    OF_NARROWED,
    OF_PARTIAL,
    PARTIAL,
    PLAN,
    QUIET,
    RECEIPT,
    ROLLBACK,
    ROLLOUT,
    RUN,
    RUN_IN_WAVES,
    RUN_OF_SHARD,
    UNSEEN,
)

from reconciler import views
from reconciler.fleet.split import index, plans_of
from reconciler.model import Plan, Rollout
from reconciler.planning.groups import groups_of
from reconciler.planning.make import Planned

GOLDEN = Path(__file__).parent / "golden"


def render_fleet(plan: Plan, *, rollout: Rollout | None = None, **options) -> str:
    """The plans that `plan` is made of."""
    examples = {group.digest: group.changes[0] for group in groups_of(plan.changes)}
    fleet = index(plan, plans_of(Planned(plan, {})), "0" * 64, rollout=rollout)
    return views.render_fleet(fleet, examples=examples, **options)


RENDER = {
    "plan": views.render,
    "drift": views.render_drift,
    "checks": views.render_checks,
    "receipt": views.render_receipt,
    "fleet": render_fleet,
    "run": views.render_run,
}
SUFFIX = {
    "text": "txt", "markdown": "md", "json": "json", "sql": "sql", "junit": "xml", "metrics": "prom", "html": "html",
}  # fmt: skip

CASES = (
    {
        f"{what}.{SUFFIX[format]}": (what, {"receipt": RECEIPT, "run": RUN}.get(what, PLAN), {"format": format})
        for what, formats in views.FORMATS.items()
        for format in formats
    }
    | {
        f"{what}.partial.{SUFFIX[format]}": (
            what,
            {"receipt": OF_PARTIAL, "run": RUN_OF_SHARD}.get(what, PARTIAL),
            {"format": format},
        )
        for what, formats in views.FORMATS.items()
        for format in formats
    }
    | {
        "plan.quiet.txt": ("plan", QUIET, {}),
        "drift.quiet.txt": ("drift", QUIET, {}),
        **{
            f"plan.rollback.{SUFFIX[format]}": ("plan", ROLLBACK, {"format": format})
            for format in views.FORMATS["plan"]
        },
        "plan.unseen.txt": ("plan", UNSEEN, {}),
        "plan.unseen.md": ("plan", UNSEEN, {"format": "markdown"}),
        "drift.unseen.txt": ("drift", UNSEEN, {}),
        "checks.unseen.txt": ("checks", UNSEEN, {}),
        **{
            f"{what}.ignored.{SUFFIX[format]}": (what, IGNORING, {"format": format})
            for what in ("plan", "drift")
            for format in ("text", "markdown")
        },
        **{
            f"drift.caused.{SUFFIX[format]}": ("drift", CAUSED, {"format": format})
            for format in ("text", "markdown", "junit", "html")
        },
        "plan.narrowed.txt": ("plan", NARROWED, {}),
        "plan.narrowed.md": ("plan", NARROWED, {"format": "markdown"}),
        "drift.narrowed.txt": ("drift", NARROWED, {}),
        "drift.narrowed.md": ("drift", NARROWED, {"format": "markdown"}),
        "checks.narrowed.txt": ("checks", NARROWED, {}),
        "checks.narrowed.json": ("checks", NARROWED, {"format": "json"}),
        "receipt.narrowed.txt": ("receipt", OF_NARROWED, {}),
        **{
            f"{what}.fleet.{SUFFIX[format]}": (what, FLEET, {"format": format})
            for what in ("plan", "drift", "checks")
            for format in ("text", "markdown")
        },
        "fleet.waves.txt": ("fleet", FLEET, {"rollout": ROLLOUT}),
        "fleet.waves.json": ("fleet", FLEET, {"rollout": ROLLOUT, "format": "json"}),
        "run.waves.txt": ("run", RUN_IN_WAVES, {}),
        "fleet.waves.html": ("fleet", FLEET, {"rollout": ROLLOUT, "format": "html"}),
        "run.waves.html": ("run", RUN_IN_WAVES, {"format": "html"}),
        "run.waves.json": ("run", RUN_IN_WAVES, {"format": "json"}),
        "receipt.planned.txt": ("receipt", RECEIPT, {"plan": PLAN}),
        "plan.narrow.txt": ("plan", PLAN, {"width": 60}),
        "plan.verbose.txt": ("plan", PLAN, {"verbose": True}),
        "plan.colour.txt": ("plan", PLAN, {"colour": True}),
        "receipt.colour.txt": ("receipt", RECEIPT, {"colour": True}),
        "plan.in-sync.txt": ("plan", IN_SYNC, {}),
        "plan.in-sync.md": ("plan", IN_SYNC, {"format": "markdown"}),
        "plan.in-sync.sql": ("plan", IN_SYNC, {"format": "sql"}),
        "drift.in-sync.txt": ("drift", IN_SYNC, {}),
        "checks.in-sync.txt": ("checks", IN_SYNC, {}),
    }
)


@pytest.mark.parametrize("name", CASES)
def test_a_view_is_as_its_golden_file(name: str):
    what, subject, options = CASES[name]
    rendered = RENDER[what](subject, **options)
    golden = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8", newline="\n")
    assert rendered == golden.read_text(encoding="utf-8")


def test_no_golden_file_is_without_its_view():
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)
