"""What the server would refuse, found out on empty copies before anything is done to a real table.

A copy is a temporary table in a transaction that is always rolled back: nobody else sees it, and nothing of it stays.
Of the real table it takes ACCESS SHARE, as a SELECT does, until the copy is gone again. One transaction a table:
short, so that it holds up neither VACUUM nor anybody who wants the table for themselves, and two tables of one name
never meet.

Decided: docs/decisions.md#rehearsals
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import psycopg

from reconciler.applying.copies import Copies, first_words
from reconciler.errors import ConnectionFailed, RehearsalFailed
from reconciler.kind.applying import Rehearsal, Rehearses
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Change, PostgresTarget, Target
from reconciler.planning.staleness import Standing, judge, look, resource_of
from reconciler.secrets import Secrets
from reconciler.targets.open_sessions import OpenSessions
from reconciler.targets.postgres.bounded_connection import HeardConnection
from reconciler.targets.postgres.opening import FirstWords, opened_with
from reconciler.targets.postgres.server_messages import said

Leave = Callable[[PostgresTarget, HeardConnection], object]
"""Takes over an open connection to a target, as it was before anything was tried."""

SETTINGS = {"default_transaction_read_only": "off", "lock_timeout": "1s", "statement_timeout": "5s"}
"""On an empty table everything is over in milliseconds. A table that somebody locks as a whole for longer than a
second is not waited for: whoever wants it next would wait behind us."""


class Rehearsed(NamedTuple):
    """`refused`: changes with what the server said; `untried`: what could not be tried, and why, a line each."""

    refused: Sequence[tuple[Change, str]]
    untried: Sequence[str]


def rehearse_again(
    target: Target, sessions: OpenSessions, changes: Iterable[Change], interrupted: Callable[[], bool], leave: Leave
) -> Rehearsed:
    """As `rehearse`, for a plan of a while ago: of what is refused only what is still as planned.

    The rest is found stale, or made, when its turn comes, and stops no other. Raises TargetError.
    """
    rehearsed = rehearse(target, sessions.secrets, changes, interrupted, leave)
    if not rehearsed.refused:
        return rehearsed
    refused = [change for change, _ in rehearsed.refused]
    found = sessions.ask(target, lambda session: {one.address: look(session, resource_of(one)) for one in refused})
    still = [one for one in rehearsed.refused if judge(one[0], found[one[0].address]).standing is Standing.AS_PLANNED]
    return Rehearsed(still, rehearsed.untried)


def rehearse(
    target: Target, secrets: Secrets, changes: Iterable[Change], interrupted: Callable[[], bool] = lambda: False,
    leave: Leave = lambda _, connection: connection.close(),
) -> Rehearsed:  # fmt: skip
    """Tries what the kinds of `changes` say can be tried. Raises ConnectionFailed."""
    by_table: dict[tuple[str, str], list[tuple[Change, Rehearsal]]] = {}
    for change in changes:
        kind = BY_NAME[change.address.kind]
        if isinstance(kind, Rehearses):
            for rehearsal in kind.rehearsal(change):
                by_table.setdefault((rehearsal.schema, rehearsal.table), []).append((change, rehearsal))
    if not by_table or not isinstance(target, PostgresTarget):
        return Rehearsed((), ())
    with ExitStack() as until_left:
        connection, answers = opened_with(target, secrets, SETTINGS, FirstWords(first_words))
        until_left.callback(connection.close)
        copies = Copies(target, connection, answers)
        try:
            copies.play(by_table, interrupted)
        except psycopg.Error as error:
            why = said(error, hide_values=target.hide_values)
            if connection.broken:
                raise ConnectionFailed(
                    target.name, f"the connection was lost while its changes were rehearsed: {why}"
                ) from None
            return Rehearsed(copies.refused, [*copies.untried(), f"{target.name}: not rehearsed any further: {why}"])
        until_left.pop_all()
    leave(target, connection)
    return Rehearsed(copies.refused, copies.untried())


def check_refused(refused: Sequence[tuple[Change, str]]) -> None:
    """Raises RehearsalFailed where the server would refuse changes; each comes with what it said."""
    if refused:
        lines = [f"  {change.address}: {why}" for change, why in refused]
        raise RehearsalFailed(
            f"the server would refuse {len(lines)} of the changes, tried on empty copies; nothing was run\n"
            + "\n".join(lines),
            hint="correct what is declared, and plan again; reconciler plan --rehearse tries it then. Where only the "
            "copy is at fault, apply --no-rehearsal goes without",
        )
