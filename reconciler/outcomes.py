"""What each outcome says of its resource: the one table, for kinds, planning, applying and views alike.

What several come to for a target or a plan, and which exit code that is, is `planning/verdict.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import Action, Change, Difference, Notice, NoticeType, Outcome, Verdict

_OF_NOTICES: Mapping[NoticeType, Verdict] = {
    NoticeType.BLOCKED: Verdict.BLOCKED,
    NoticeType.BEING_BUILT: Verdict.BLOCKED,
    NoticeType.NOT_PERSISTED: Verdict.HALF_WAY,
    NoticeType.NOT_VISIBLE: Verdict.NOT_VISIBLE,
    NoticeType.WAITS_FOR_RESTART: Verdict.WAITS,
    NoticeType.UNLISTED: Verdict.IN_SYNC,
    NoticeType.UNWANTED: Verdict.DIFFERS,
    NoticeType.NOTE: Verdict.IN_SYNC,
    NoticeType.PREFLIGHT: Verdict.IN_SYNC,
}
"""What nobody declared, what is worth knowing and what the steps would meet say nothing of what is declared; but where
what nobody declared is to count, it is a difference."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts of several; in sync of none."""
    return min(verdicts, key=list(Verdict).index, default=Verdict.IN_SYNC)


def of_outcome(outcome: Outcome) -> Verdict:
    """What one outcome says of its resource. A checklist item says nothing of what is declared."""
    match outcome:
        case Change():
            if outcome.difference is not Difference.DIFFERS:
                return Verdict.HALF_WAY
            return Verdict.WAITS if outcome.action is Action.RESTART else Verdict.DIFFERS
        case Notice():
            return _OF_NOTICES[outcome.type]
    return Verdict.IN_SYNC
