"""What a reviewer has to know and no step is about."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from reconciler.model import Address, Notice, NoticeType, Verdict
from reconciler.planning.groups import notice_key
from reconciler.reports import provenance
from reconciler.reports.characters import visible
from reconciler.reports.labels import NOTICE_SIGN, NOTICES
from reconciler.reports.places import Place, place
from reconciler.reports.several import Several, several, together
from reconciler.verdicts import of_outcome

PLACED = frozenset({NoticeType.BLOCKED, NoticeType.UNWANTED, NoticeType.UNLISTED})
"""Said with the place of what is declared: to be mended there, or the rule that decides, of several."""


class NoticeRow(NamedTuple):
    """One notice, or what is the same of `several` targets."""

    address: Address
    type: NoticeType
    sign: str
    says: str
    verdict: Verdict
    place: Place
    several: Several | None = None


def notice_rows(notices: Iterable[Notice], *, many: bool = False) -> tuple[NoticeRow, ...]:
    """The notices in the order of the plan; of `many` targets what is the same once."""
    return tuple(map(_row, together(notices, _key, many=many)))


def _key(notice: Notice) -> Hashable:
    """What notices have in common that are told as one: all but the target, and lines of files."""
    key = notice_key(notice)
    return key._replace(message=provenance.without_lines(key.message, notice.provenance))


def _row(same: Sequence[Notice]) -> NoticeRow:
    one = same[0]
    of = several([each.address.target for each in same])
    first = "" if all(each.message == one.message for each in same) else f" (of {visible(one.address.target)})"
    return NoticeRow(
        one.address, one.type, NOTICE_SIGN, _says(one) + first, of_outcome(one), place(one.declared_at), of
    )


def _says(one: Notice) -> str:
    """`waits for a restart: 200 is written, 100 is running`."""
    if by := one.ignored:
        rule = f"; {by.rule}" if by.rule else ""
        return visible(f"ignored until {by.until}: {one.message} ({by.reason}{rule})")
    said = NOTICES[one.type][0].removeprefix("is ") + (f" [{one.note}]" if one.note else "")
    where = f" ({one.declared_at})" if one.type in PLACED and one.declared_at else ""
    return visible((one.message if said in one.message[: len(said) + 3] else f"{said}: {one.message}") + where)
