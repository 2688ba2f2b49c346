"""Limits that somebody has given a database or a role, and that end a session of ours before it can set its own.

Whoever owns a database decides about statement_timeout, transaction_timeout (17), idle_session_timeout (14) and
idle_in_transaction_session_timeout of every session in it; of a millisecond, no session gets as far as to its first
answer. What is asked for when a session begins counts before that, and lasts as long as it. Poolers refuse to be asked,
and whoever is let through has a session of his own: so it is only asked for where a session came to nothing without.

Decided: docs/decisions.md#limits-lifted-at-the-start
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import LiteralString

from reconciler.errors import ConnectionFailed, ObservationFailed, TargetError

_LIMITS: Mapping[str, int] = {
    "statement_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    "idle_session_timeout": 140000,
    "transaction_timeout": 170000,
}
"""By setting, the first version that has it."""

CANCELLED = frozenset({"57014", "25P03", "25P04", "57P05"})
"""SQLSTATEs: query_canceled, and those of the other three."""

NOW: LiteralString = """
    array[pg_catalog.current_setting('statement_timeout'),
          pg_catalog.current_setting('idle_in_transaction_session_timeout'),
          pg_catalog.current_setting('idle_session_timeout', true),
          pg_catalog.current_setting('transaction_timeout', true)]
"""
"""An expression for all of them, which `is_short` takes; null for one that the server does not have."""

HINT = (
    f"a limit of the role or the database may end every session at once ({', '.join(_LIMITS)}): pg_db_role_setting has "
    "them, and ALTER ROLE … RESET or ALTER DATABASE … RESET takes them back"
)


def may_have_ended(error: TargetError) -> bool:
    """Whether a session that came to nothing may have been ended by such a limit.

    What ends a session in a pipeline is not always heard of: then the server has hung up without a word.
    """
    if isinstance(error, ConnectionFailed):
        return error.ended
    return isinstance(error, ObservationFailed) and error.sqlstate in CANCELLED


def is_short(limits: Iterable[str | None]) -> bool:
    """Whether one of these, as the server shows them, is too short to rely on the first words of each transaction being
    heard in time, on a busy machine: of those that are not in whole seconds, most are."""
    return any(each.endswith("ms") for each in limits if each)


def asked_for(declared: object, version_num: int) -> dict[str, str]:
    """libpq's `options` that lift the limits which this server knows, after those that a URL has declared."""
    lifted = (f"-c {name}=0" for name, since in _LIMITS.items() if version_num >= since)
    return {"options": " ".join([*([str(declared)] if declared else []), *lifted])}
