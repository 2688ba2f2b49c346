"""Steps that are the same for each partition of a table, told once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.model import SqlStep
from reconciler.reports.steps import StepRow

TOKEN = re.compile(r'(?:"(?:[^"]|"")*"|[\w$])+(?:\.(?:"(?:[^"]|"")*"|[\w$])+)*|\'(?:[^\']|\'\')*\'|\S')
"""A name with its schema, a string, or one sign."""

BEFORE_A_NAME = frozenset({"concurrently", "exists", "index", "on", "only", "partition", "table", "to"})
"""Behind these words two statements may differ and still be the same of two partitions; nowhere else."""


class Alike(NamedTuple):
    """A step, and of how many more partitions the same runs."""

    row: StepRow
    more: int


def alike_steps(rows: Sequence[StepRow]) -> tuple[Alike, ...]:
    """The steps in their order; those of partitions that stand one behind the other and differ in names alone as the
    first of them."""
    told: list[Alike] = []
    for row in rows:
        if told and (shape := _shape(row)) is not None and shape == _shape(told[-1].row):
            told[-1] = told[-1]._replace(more=told[-1].more + 1)
        else:
            told.append(Alike(row, 0))
    return tuple(told)


def _shape(row: StepRow) -> tuple[object, ...] | None:
    """What is the same of equal steps; None of what is not about a partition."""
    step = row.step
    if not isinstance(step, SqlStep) or not step.partition:
        return None
    statements = tuple(map(_without_names, (*step.statements, *step.on_failure)))
    hazards = tuple(hazard.type for hazard in step.hazards)
    return statements, len(step.statements), row.how, hazards, step.needs_all


def _without_names(statement: str) -> tuple[str, ...]:
    found, before = [], ""
    for token in TOKEN.findall(statement):
        word = token.lower()
        named = before in BEFORE_A_NAME and word not in BEFORE_A_NAME and len(word) > 1
        found.append("…" if named else token)
        before = word
    return tuple(found)
