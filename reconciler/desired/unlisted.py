"""What is to become of what nobody lists: `unlisted_indexes`, `unlisted_users`, `unlisted_settings`.

One word holds for all of a target; a mapping gives each pattern its own, and the closest pattern decides: one without
`*` before any with one, then the one with more letters. Of two that are alike in that, the gentler word holds.

Decided: docs/decisions.md#the-word-drift, docs/decisions.md#the-closest-pattern
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from reconciler.desired.patterns import fits
from reconciler.errors import DesiredError
from reconciler.kind import Declaration
from reconciler.kind.explaining import Ruling
from reconciler.model import Frozen
from reconciler.yaml.verbatim_text import Text

EVERYTHING = "*"
"""The pattern of a word without one, and the name under which rules of a target are addressed."""


class Unlisted(StrEnum):
    """The gentlest first."""

    KEEP = "keep"
    """It stays, and nothing is said."""
    REPORT = "report"
    """It stays, and is said."""
    DRIFT = "drift"
    """It stays, is said, and counts as drift."""
    DROP = "drop"
    """It goes, with a hazard that has to be allowed."""


Told = Literal[Unlisted.KEEP, Unlisted.REPORT, Unlisted.DRIFT]
"""Where nothing can be dropped."""

_Patterns = Annotated[dict[Text, Unlisted], Field(min_length=1)]
_ToldPatterns = Annotated[dict[Text, Told], Field(min_length=1)]

UnlistedSection = Unlisted | _Patterns
ToldSection = Told | _ToldPatterns
"""A word for all, or one for each pattern."""


class Rule(Frozen):
    """What becomes of that whose name fits `pattern`, as declared `at` file:line:column."""

    pattern: str
    policy: Unlisted
    at: str = ""

    def fits(self, name: str) -> bool:
        """Whether it is about `name`. `*` stands for any letters, and nothing else has a meaning of its own."""
        return fits(self.pattern, name)

    @property
    def closeness(self) -> tuple[bool, int, int]:
        """The greater, the sooner it decides."""
        gentleness = -list(Unlisted).index(self.policy)
        return "*" not in self.pattern, len(self.pattern.replace("*", "")), gentleness


def rules(declaration: Declaration, normal: Callable[[str], str] = lambda pattern: pattern) -> tuple[Rule, ...]:
    """The rules of one section; `normal` gives patterns that mean the same one spelling. Raises DesiredError."""
    value: Unlisted | Mapping[str, Unlisted] = declaration.value
    if isinstance(value, str):
        return (Rule(pattern=EVERYTHING, policy=Unlisted(value), at=declaration.at(())),)
    found = [
        Rule(pattern=normal(pattern), policy=policy, at=declaration.at([pattern])) for pattern, policy in value.items()
    ]
    return together(declaration.section, found)


def together(section: str, found: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each pattern once. Raises DesiredError where one has two words."""
    known: dict[str, Rule] = {}
    for rule in found:
        first = known.setdefault(rule.pattern, rule)
        if first.policy is not rule.policy:
            raise contradiction(f"{section} of {rule.pattern}", first, rule)
    return tuple(known.values())


def left_beside(default: Sequence[Rule], other: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of a default that are left where `other` overrides it: those of patterns that it does not have."""
    patterns = {rule.pattern for rule in other}
    return tuple(rule for rule in default if rule.pattern not in patterns)


def contradiction(what: str, first: Rule, second: Rule) -> DesiredError:
    """That `what` is declared in two ways."""
    elsewhere = f", and {first.policy} at {first.at}" if first.at else f", and {first.policy} elsewhere"
    return DesiredError(f"{what} is {second.policy} here{elsewhere}", at=second.at, hint="declare one of them")


def ranked(found: Sequence[Rule], name: str) -> list[Rule]:
    """The rules about `name`, the one that decides first."""
    return sorted((rule for rule in found if rule.fits(name)), key=lambda rule: rule.closeness, reverse=True)


def decided(found: Sequence[Rule], name: str) -> Rule | None:
    """The rule that decides about `name`; None where none fits, so that it is kept."""
    return next(iter(ranked(found, name)), None)


def rulings(found: Sequence[Rule], name: str) -> list[Ruling]:
    """The same as people are told of it."""
    return [Ruling(rule.policy.value, rule.pattern, rule.at) for rule in ranked(found, name)]
