"""The contract of a type of check: one module under `types/`, and one line of the table in `types/__init__.py`.

The module holds all that is known of its type: what the YAML says (`model`), what is read for it (`read`), how that
decides (`decide`), and in its docstring, under headings that `documentation.py` names, what people are told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import Frozen, Outcome, Resource, System

C = TypeVar("C", bound=Frozen)
F = TypeVar("F", bound=Frozen)


class Circumstances(NamedTuple):
    """What the deciding of any check may lean on beside its evidence. `memory` is of the target, in bytes; None where
    nobody knows it."""

    today: date
    memory: int | None


Reader = Callable[[Any, Mapping[Part, Any]], Mapping[Part, Any]]
"""The session, and the checks that it reads for; what it has found, or `Unavailable`, for each of them."""

DecidedByPlan = Callable[[str, Sequence[Outcome], Collection[Resource]], Verdict]
"""The target's name, the outcomes of all kinds and targets, and all that is declared."""


@dataclass(frozen=True, slots=True)
class CheckType(Generic[C, F]):
    """One type of check.

    model            what the YAML may say.
    system           of which targets it is; None: of any.
    read             reads the evidence for all checks of a target at once. Types that have the same reader are read
                     together by one call of it. What cannot be read of one check is `Unavailable`, and hides no other.
                     Raises ConnectionFailed where the target is lost.
    decide           the verdict by what was read. Pure.
    decided_by_plan  the verdict by what the plan finds of other kinds, in the place of `read` and `decide`: such a
                     check stands alone in its item. Pure.
    """

    model: type[C]
    system: System | None = None
    read: Callable[[Any, Mapping[Part, C]], Mapping[Part, F | Unavailable]] | None = None
    decide: Callable[[C, F, Circumstances], Verdict] | None = None
    decided_by_plan: DecidedByPlan | None = None
