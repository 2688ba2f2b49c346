"""Differences that are ignored: by whose rule, why, and until when."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from reconciler.model.address import Address
from reconciler.model.base import Frozen


class IgnoreRule(Frozen):
    """A rule that lets something be other than declared for a while.

    pattern      whose differences: an address, each part of which may hold `*`; its target is one as declared.
    attribute    the only key of before and after whose difference is ignored; empty: whatever differs.
    until        the last day, in UTC, on which it holds.
    declared_at  file:line:column.
    """

    pattern: Address
    attribute: str = ""
    reason: str
    until: date
    declared_at: str = ""


class Ignored(Frozen):
    """By which rule a difference is ignored: `rule` is the place of the first of those that it takes."""

    rule: str
    reason: str
    until: date


class Idleness(StrEnum):
    """Why an ignore rule ignores nothing."""

    EXPIRED = "expired"
    """Its last day is over: what it ignored counts again."""
    MATCHES_NOTHING = "matches-nothing"
    """Nothing that is declared or was found has such an address."""


class IdleRule(Frozen):
    """An ignore rule that ignores nothing, and why."""

    rule: IgnoreRule
    idleness: Idleness
