"""What people and programs see of a plan, of drift, of the checklist and of a receipt: one file a format, layout only.

What is said, and what is shown at all, is decided and worded in `reports/`.
Views are pure functions from the model to text: (Plan, Page) → str, and of receipts (Receipt, Page, the plan's
evidence by address) → str. They are imported when they are used.

Decided: docs/decisions.md#html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypedDict, Unpack

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model import Change, Fleet, FleetReceipt, Plan, Receipt


class Layout(TypedDict, total=False):
    """How a view is laid out, as `Page` says, which has what is not given."""

    width: int
    colour: bool
    verbose: bool
    limit: int
    marker: str
    source_url: str
    policies: tuple[str, ...]
    seconds: float


FORMATS: Mapping[str, Mapping[str, str]] = {
    "plan": {
        "text": "text:plan",
        "markdown": "markdown:plan",
        "json": "json:plan",
        "sql": "sql:plan",
        "html": "html:plan",
    },
    "drift": {
        "text": "text:drift",
        "markdown": "markdown:drift",
        "json": "json:plan",
        "html": "html:drift",
        "junit": "junit:drift",
        "metrics": "metrics:drift",
    },
    "checks": {
        "text": "checks:text",
        "markdown": "checks:markdown",
        "json": "json:checks",
        "junit": "junit:checks",
        "html": "html:checks",
    },
    "receipt": {
        "text": "receipt:text",
        "json": "json:receipt",
        "html": "html:receipt",
    },
    "run": {
        "text": "run:text",
        "json": "json:run",
        "html": "html:run",
    },
    "fleet": {
        "text": "fleet:text",
        "json": "json:fleet",
        "html": "html:fleet",
    },
}
"""Every view: what is shown, in which format, and the module and function of this package that write it."""


def render(plan: Plan, format: str = "text", **layout: Unpack[Layout]) -> str:
    """A plan, as `plan` and `show` print it. Raises UsageError for an unknown format."""
    return _render("plan", format, plan, layout)


def render_drift(plan: Plan, format: str = "text", **layout: Unpack[Layout]) -> str:
    """What differs, as `drift` prints it. Raises UsageError for an unknown format."""
    return _render("drift", format, plan, layout)


def render_checks(plan: Plan, format: str = "text", **layout: Unpack[Layout]) -> str:
    """The checklist of a plan, as `check` prints it. Raises UsageError for an unknown format."""
    return _render("checks", format, plan, layout)


def render_receipt(
    receipt: Receipt, format: str = "text", *, plan: Plan | None = None, **layout: Unpack[Layout]
) -> str:
    """What an apply did; with its `plan`, estimates stand beside what was measured. Raises UsageError."""
    planned = {change.address: change.evidence for change in plan.changes} if plan else {}
    return _render("receipt", format, receipt, layout, planned)


def render_fleet(
    fleet: Fleet, format: str = "text", *, examples: Mapping[str, Change], **layout: Unpack[Layout]
) -> str:
    """The plans of a fleet, as `show` prints them; `examples` has a change of each group. Raises UsageError."""
    return _render("fleet", format, fleet, layout, examples)


def render_run(receipt: FleetReceipt, format: str = "text", **layout: Unpack[Layout]) -> str:
    """What an apply of many plans did. Raises UsageError for an unknown format."""
    return _render("run", format, receipt, layout)


def _render(
    what: str, format: str, subject: Plan | Receipt | Fleet | FleetReceipt, layout: Layout, *beside: object
) -> str:
    from reconciler.views.text_layout import Page, without_commands

    formats = FORMATS[what]
    if format not in formats:
        raise UsageError(f"there is no format {format!r} for {what}", hint=f"choose one of {', '.join(formats)}")
    module, _, function = formats[format].partition(":")
    view: Callable[..., str] = getattr(import_module(f"reconciler.views.{module}"), function)
    text = view(subject, Page(**layout), *beside)
    return without_commands(text) if format == "text" else text
