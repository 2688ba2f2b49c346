"""What actions, notices, outcomes of checks and of changes are called, of one and of many, and the signs they bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Action, Applied, CheckStatus, NoticeType

Number = tuple[str, str]
"""What is said of one, and of none or many."""

CHECK: Number = ("check", "checks")
CHANGE: Number = ("change", "changes")


class ActionWords(NamedTuple):
    """`intent` as in "1 to create", and `drift`: what it means that the action is needed."""

    sign: str
    intent: str
    drift: str


ACTIONS: Mapping[Action, ActionWords] = {
    Action.CREATE: ActionWords("+", "to create", "missing"),
    Action.REPLACE: ActionWords("-/+", "to replace", "redefined"),
    Action.REBUILD: ActionWords("↻", "to rebuild", "broken"),
    Action.RENAME: ActionWords("→", "to rename", "misnamed"),
    Action.UPDATE: ActionWords("~", "to change", "changed"),
    Action.RESTART: ActionWords("⟳", "to restart", "waiting for a restart"),
    Action.DELETE: ActionWords("-", "to drop", "unwanted"),
}
"""In the order in which a summary counts them."""

NOTICE_SIGN = "•"

UNREAD_SIGN = "!"

UNREAD: Number = ("target could not be read", "targets could not be read")

NOTICES: Mapping[NoticeType, Number] = {
    NoticeType.BLOCKED: ("is blocked", "are blocked"),
    NoticeType.WAITS_FOR_RESTART: ("waits for a restart", "wait for a restart"),
    NoticeType.NOT_PERSISTED: ("is not persisted", "are not persisted"),
    NoticeType.NOT_VISIBLE: ("is not visible", "are not visible"),
    NoticeType.BEING_BUILT: ("is being built", "are being built"),
    NoticeType.UNWANTED: ("is unwanted", "are unwanted"),
    NoticeType.UNLISTED: ("is unlisted", "are unlisted"),
    NoticeType.IGNORED: ("is ignored", "are ignored"),
    NoticeType.PREFLIGHT: ("preflight warning", "preflight warnings"),
    NoticeType.NOTE: ("note", "notes"),
}
"""In the order in which a summary counts them."""


class CheckWords(NamedTuple):
    """`said` as in "1 of 24 checks fails"."""

    sign: str
    said: Number


CHECKS: Mapping[CheckStatus, CheckWords] = {
    CheckStatus.FAIL: CheckWords("✗", ("fails", "fail")),
    CheckStatus.ERROR: CheckWords("!", ("could not be decided", "could not be decided")),
    CheckStatus.NOT_VISIBLE: CheckWords("?", ("is not visible", "are not visible")),
    CheckStatus.NO_DATA: CheckWords("?", ("has no data", "have no data")),
    CheckStatus.WAIVED: CheckWords("○", ("is waived", "are waived")),
    CheckStatus.ATTESTED: CheckWords("○", ("is attested", "are attested")),
    CheckStatus.NOT_APPLICABLE: CheckWords("○", ("does not apply", "do not apply")),
    CheckStatus.PASS: CheckWords("✓", ("passes", "pass")),
}
"""The worst first, as a summary counts them."""

APPLIED: Mapping[Applied, str] = {
    Applied.APPLIED: "applied",
    Applied.SKIPPED: "skipped",
    Applied.INCOMPLETE: "incomplete",
    Applied.STALE: "stale",
    Applied.SUPERSEDED: "superseded",
    Applied.HELD: "held",
    Applied.FAILED: "failed",
    Applied.NOT_RUN: "not run",
}
"""What became of a change, in the order in which a summary counts it."""


class Labelled(NamedTuple):
    """A value as it is, and the words before it, so that a view may set the value apart: `Apply needs`, `--allow …`."""

    label: str
    value: str

    def __str__(self) -> str:
        return f"{self.label} {self.value}"


def counted(count: int, words: Number) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {numbered(count, words)}"


def numbered(count: int, words: Number) -> str:
    """What is said of so many."""
    return words[count != 1]


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def both_sides(summary: str) -> tuple[str, str] | None:
    """Before and after, where a summary is exactly `before → after`."""
    sides = tuple(side.strip() for side in summary.split(" → "))
    return (sides[0], sides[1]) if len(sides) == 2 and all(sides) else None
