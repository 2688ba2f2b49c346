"""How old a plan may be when it is applied: what was reviewed long ago is not what people want today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from math import ceil

from reconciler.applying.gates.gate import Facts, Refusal
from reconciler.documents.document import timestamp
from reconciler.documents.plan import NEW_PLAN
from reconciler.errors import PlanFileError
from reconciler.formulas.units import POSTGRES_TIME

UNATTENDED = timedelta(days=7)
"""The oldest plan that is applied where nobody sits at a terminal: a pipeline applies within a week what was merged."""

ATTENDED = timedelta(days=30)
"""The same for somebody at a terminal, who may have waited for a window."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""The clocks of machines that are kept by NTP differ by far less; Kerberos bears five minutes, too."""


TYPING = timedelta(minutes=10)
"""What is proposed to be allowed still holds when whoever reads it has thought about it and typed it."""


def gate(facts: Facts) -> Iterator[Refusal]:
    """Refuses a plan that was made longer ago than it may be, or is not made yet."""
    made = facts.plan.created_at
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    most = facts.options.max_age
    if most is None:
        most = ATTENDED if facts.options.attended else UNATTENDED
    age = facts.now - made
    if age < -CLOCKS_DIFFER:
        yield Refusal(
            f"the plan was made at {timestamp(made)}, which is yet to come: it is {timestamp(facts.now)} now",
            f"see whether the clocks are right, here and where it was made, and {NEW_PLAN}",
            PlanFileError,
        )
    if age > most:
        yield Refusal(
            f"the plan was made at {timestamp(made)}, {in_words(age)} ago: older than {in_words(most)}",
            f"what was reviewed then may no longer be wanted: {NEW_PLAN}. Or allow its age: --max-age "
            f"{in_words(age + max(age / 10, TYPING), up=True)}",
            PlanFileError,
        )


def in_words(span: timedelta, *, up: bool = False) -> str:
    """`span` in whole days, hours, minutes or seconds, as --max-age takes it; rounded down, or `up`."""
    units = {unit: timedelta(microseconds=POSTGRES_TIME[unit]) for unit in ("d", "h", "min", "s")}
    for unit, size in units.items():
        if span >= 2 * size or unit == "s":
            break
    return f"{ceil(span / size) if up else span // size}{unit}"
