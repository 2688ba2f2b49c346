"""How old a plan may be when it is applied: what was reviewed long ago is not what people want today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

from reconciler.errors import PlanFileError
from reconciler.formulas.units import POSTGRES_TIME
from reconciler.model import Plan
from reconciler.planning.plan_file import NEW_PLAN, timestamp

UNATTENDED = timedelta(days=7)
"""The oldest plan that is applied where nobody sits at a terminal: a pipeline applies within a week what was merged."""

ATTENDED = timedelta(days=30)
"""The same for somebody at a terminal, who may have waited for a window."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""The clocks of machines that are kept by NTP differ by far less; Kerberos bears five minutes, too."""


def check_age(plan: Plan, now: datetime, most: timedelta) -> None:
    """Raises PlanFileError where `plan` was made longer ago than `most`, or is not made yet."""
    made = plan.created_at if plan.created_at.tzinfo else plan.created_at.replace(tzinfo=UTC)
    age = now - made
    if age < -CLOCKS_DIFFER:
        raise PlanFileError(
            f"the plan was made at {timestamp(made)}, which is yet to come: it is {timestamp(now)} now",
            hint=f"see whether the clocks are right, here and where it was made, and {NEW_PLAN}",
        )
    if age > most:
        raise PlanFileError(
            f"the plan was made at {timestamp(made)}, {in_words(age)} ago: older than {in_words(most)}",
            hint=f"what was reviewed then may no longer be wanted: {NEW_PLAN}. Or allow its age: --max-age "
            f"{in_words(age, up=True)}",
        )


def in_words(span: timedelta, *, up: bool = False) -> str:
    """`span` in whole days, hours, minutes or seconds, as --max-age takes it; rounded down, or `up`."""
    units = {unit: timedelta(microseconds=POSTGRES_TIME[unit]) for unit in ("d", "h", "min", "s")}
    for unit, size in units.items():
        if span >= 2 * size or unit == "s":
            break
    return f"{ceil(span / size) if up else span // size}{unit}"
