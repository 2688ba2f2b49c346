"""How findings about settings are put into the words of a plan."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.model import SENSITIVE, Action, Change, Difference, Notice, NoticeType, Provenance, Step

LANE = "settings"
"""ALTER SYSTEM rewrites one file, and a reload takes up all of it: one after another, and restarts after them all."""


class NeverStarts(Notice):
    """Blocked: with what its files hold, the server would not start again."""


def notice(desired: PgSetting, kind: NoticeType, message: str, provenance: Provenance | None = None) -> Notice:
    """Something to know about `desired` that no step can mend."""
    return Notice(
        address=desired.address, type=kind, message=message, provenance=provenance, declared_at=desired.declared_at
    )


def never_starts(desired: PgSetting, why: str, provenance: Provenance) -> NeverStarts:
    """`desired` waits for a restart that nobody should do."""
    return NeverStarts(
        address=desired.address,
        type=NoticeType.BLOCKED,
        message=f"do not restart it: {why}",
        provenance=provenance,
        declared_at=desired.declared_at,
    )


def change(
    desired: PgSetting,
    *,
    before: Mapping[str, str | None],
    after: Mapping[str, str | None],
    notes: tuple[str, ...],
    steps: tuple[Step, ...],
    undo: tuple[Step, ...] = (),
    undo_unseen: bool = False,
    reason: str = "",
    sensitive: bool = False,
    forbidden: str = "",
    difference: Difference = Difference.DIFFERS,
    provenance: Provenance | None = None,
) -> Change:
    """An update. Both states have the keys `value` (as SHOW prints it; None: not set) and `source`; `before` also
    `pending` where a reload or a restart would bring another value.

    Empty notes are left out. The value of a sensitive setting is withheld.
    """
    summary = f"{_word(before['value'])} → {_word(after['value'])}"
    if sensitive:
        summary = SENSITIVE
        hidden = {"value": SENSITIVE, "pending": SENSITIVE}
        before, after = ({key: hidden.get(key, text) for key, text in state.items()} for state in (before, after))
    return Change(
        address=desired.address,
        action=Action.UPDATE,
        before=before,
        after=after,
        sensitive=tuple(key for key in ("value", "pending") if sensitive and key in before),
        difference=difference,
        provenance=provenance,
        reason=reason,
        why=desired.why,
        summary=summary,
        notes=tuple(note for note in notes if note),
        steps=steps,
        undo=undo,
        undo_unseen=undo_unseen,
        lane=LANE,
        forbidden=forbidden,
        desired=desired.model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _word(value: str | None) -> str:
    return "not set" if value is None else value or "''"
