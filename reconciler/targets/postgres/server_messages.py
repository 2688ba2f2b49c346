"""What PostgreSQL says of an error, as we pass it on."""

from __future__ import annotations

import re

import psycopg

_OPEN, _CLOSE = '"«»„“”‚‘‹›「『', '"«»“”’‘‹›」』'
_QUOTED = re.compile(f"[{_OPEN}].*[{_CLOSE}]", re.DOTALL)
"""From the first quotation mark to the last, in all languages of PostgreSQL's messages: a value may hold some, too."""

_PARTS = re.compile(f"[{_OPEN}]([^{_OPEN}{_CLOSE}]*)[{_CLOSE}]")


def said(error: psycopg.Error, *, hide_values: bool = False, sent: str = "") -> str:
    """What the server said, in one line whatever names are in it, with its SQLSTATE and its own hint.

    `hide_values` leaves out what may be a value of a user's table: DETAIL ("Key (email)=(x) already exists"), all that
    a user's own function raises (class P0), what is quoted in errors about data (class 22: `invalid input syntax for
    type integer: "x"`), and in all others what is quoted and does not stand in `sent`, the statement: functions quote
    their arguments as names of settings, tables and roles.
    """
    return _said(error, hide_values, sent).replace("\n", "\\n")


def _said(error: psycopg.Error, hide_values: bool, sent: str) -> str:
    diagnosis = error.diag
    state = f" ({error.sqlstate})" if error.sqlstate else ""
    message = diagnosis.message_primary or "; ".join(filter(None, map(str.strip, str(error).splitlines())))
    if not hide_values or diagnosis.message_primary is None:
        details = [part for part in (diagnosis.message_detail, diagnosis.message_hint) if part]
        return ". ".join([f"{message}{state}", *details])
    about_data = (error.sqlstate or "")[:2] == "22"
    if (error.sqlstate or "")[:2] == "P0":
        return f"a function raised an error, whose words are hidden{state}"
    if about_data or any(part not in sent for part in _PARTS.findall(message)):
        return f"{_QUOTED.sub('(hidden)', message)}{state}"
    return ". ".join(filter(None, [f"{message}{state}", diagnosis.message_hint]))


UNPRIVILEGED = "42501"
"""SQLSTATE (insufficient_privilege)."""

CAME_MEANWHILE = "25001"
"""SQLSTATE (active_sql_transaction) by which `foreign/queries.PATH` stops what is sent behind it."""

SOMEBODY_MADE = (
    "at this very moment somebody made or changed something that the names in it may mean (a function, an operator, "
    "a cast, a type), so that nothing of it was run: do it again"
)
