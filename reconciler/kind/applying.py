"""What a kind may offer beside its plan to an apply: what to try before it, what to run of it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from reconciler.model import Change, Fact, Observed, Step
from reconciler.targets.foreign.reached_names import Reached

ObservedT_contra = TypeVar("ObservedT_contra", bound=Observed, contravariant=True)


@runtime_checkable
class Rehearses(Protocol):
    """A kind whose steps can be tried on empty copies, in a transaction that is rolled back."""

    def rehearsal(self, change: Change) -> Sequence[Rehearsal]:
        """What to try for `change`; empty where it builds nothing, or cannot be tried. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Statements tried on an empty copy of `schema.table` that bears its name and is found first by it.

    `reached`: by which names the expressions in them may reach code; None for one that cannot be parsed.
    """

    schema: str
    table: str
    statements: tuple[str, ...]
    reached: tuple[Reached | None, ...]


@runtime_checkable
class SeenAtOnce(Protocol):
    """A kind whose changes an open session sees as a new one does, as it sees all that is in tables. What a setting, a
    user or a restart has become only shows in sessions that begin after it."""

    seen_at_once: Literal[True]


@runtime_checkable
class Measures(Protocol[ObservedT_contra]):
    """A kind that can say, from an observation after a change, what came of the plan's estimates."""

    def measured(self, observed: ObservedT_contra) -> Sequence[Fact]:
        """Facts under the names that `Change.evidence` estimated them by. Pure."""
        ...


class Followed(NamedTuple):
    """What is to run of a planned change; `forbidden` says why this role may not run that, empty where it may."""

    steps: Sequence[Step]
    forbidden: str


@runtime_checkable
class Follows(Protocol[ObservedT_contra]):
    """A kind whose changes are made part by part, of parts that come and go while a plan waits for its apply."""

    def followed(self, planned: Change, now: Change, observed: ObservedT_contra) -> Followed | None:
        """What is to run of `planned`, where `now`, which was planned at this moment, has other steps, or an other
        inverse, and is the same in all else that counts. Only steps of the plan, or of a template in it.

        None where the steps differ by more than such parts. Pure.
        """
        ...

    def once_more(self, made: Change, now: Change) -> Sequence[Step] | None:
        """Which steps of `made` have to run once more, since what they were to bring about was not possible before a
        part went, by `now`, which is planned at this moment. None where others are needed. Pure."""
        ...

    def left_over(self, made: Change, now: Change, observed: ObservedT_contra) -> Sequence[str]:
        """Names of the parts that came meanwhile, where for them alone there still is something to change after `made`.
        Pure."""
        ...

    def went(self, made: Change, observed: ObservedT_contra) -> Sequence[str]:
        """Names of the parts that steps of `made` are for, and that are gone. Pure."""
        ...
