"""Evidence in words: 1.2 M rows, 340 MB, about 4 s."""

from __future__ import annotations

import math
from collections.abc import Iterable

from reconciler.formulas.human_readable import rounded, size
from reconciler.model import Fact
from reconciler.reports.characters import visible


def facts(evidence: Iterable[Fact]) -> str:
    """All the evidence in one line; empty where there is none."""
    return ", ".join(fact(one) for one in evidence)


def fact(one: Fact) -> str:
    """One piece of evidence with its name, unless the unit already says it."""
    about = "about " if one.estimated else ""
    name = visible(one.name.replace("_", " "))
    if not isinstance(one.value, str) and one.unit in name.split():
        words = [_number(word, one.value) if word == one.unit else word for word in name.split()]
        amount = count(one.value) if is_finite(one.value) else str(one.value)
        return " ".join([about + amount, *words])  # 12 scans on db2:5432
    value = visible(one.value) if isinstance(one.value, str) else quantity(one.value, one.unit)
    return about + value if name in ("", one.unit) else f"{name} {about}{value}"


def quantity(value: float, unit: str) -> str:
    """`value` with its unit, rounded as people say it."""
    if not is_finite(value):
        return f"{value} {unit}".strip()
    match unit:
        case "bytes":
            return size(value)
        case "seconds":
            return duration(value)
        case _:
            return f"{count(value)} {_number(unit, value)}".strip()


def is_finite(value: float) -> bool:
    """Whether `value` can be rounded: a file may hold any number of digits."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def count(value: float) -> str:
    """12, 45,000, 1.2 M, 3.4 bn."""
    for factor, sign in ((1e9, "bn"), (1e6, "M")):
        if abs(value) >= factor * 0.99995:
            return f"{rounded(value / factor)} {sign}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """0.42 s, 12 s, 5 min, 3 h."""
    if abs(seconds) < 0.001:
        return "no time"
    if abs(seconds) < 90:
        return f"{rounded(seconds)} s" if abs(seconds) >= 1 else f"{seconds:.2g} s"
    return f"{rounded(seconds / 60)} min" if abs(seconds) < 90 * 60 else f"{rounded(seconds / 3600)} h"


def _number(unit: str, value: float) -> str:
    """1 row, 2 rows."""
    return unit.removesuffix("s") if value == 1 else unit
