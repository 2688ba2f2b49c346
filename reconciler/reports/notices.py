"""What a reviewer has to know and no step is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.model import Address, Notice, NoticeType, Verdict
from reconciler.reports.characters import visible
from reconciler.reports.labels import NOTICE_SIGN, NOTICES
from reconciler.reports.places import Place, place
from reconciler.verdicts import of_outcome

PLACED = frozenset({NoticeType.BLOCKED, NoticeType.UNWANTED, NoticeType.UNLISTED})
"""Said with the place of what is declared: to be mended there, or the rule that decides, of several."""


class NoticeRow(NamedTuple):
    """One notice."""

    address: Address
    type: NoticeType
    sign: str
    says: str
    verdict: Verdict
    place: Place


def notice_rows(notices: Iterable[Notice]) -> tuple[NoticeRow, ...]:
    """The notices in the order of the plan."""
    return tuple(map(_row, notices))


def _row(one: Notice) -> NoticeRow:
    return NoticeRow(one.address, one.type, NOTICE_SIGN, _says(one), of_outcome(one), place(one.declared_at))


def _says(one: Notice) -> str:
    """`waits for a restart: 200 is written, 100 is running`."""
    said = NOTICES[one.type][0].removeprefix("is ")
    where = f" ({one.declared_at})" if one.type in PLACED and one.declared_at else ""
    return visible((one.message if said in one.message[: len(said) + 3] else f"{said}: {one.message}") + where)
