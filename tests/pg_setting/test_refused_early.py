"""What ALTER SYSTEM would refuse of a text is told by the plan, not by the apply.

On the code before, every text here that a server refuses was planned as a change, and failed when it was applied.
"""

from __future__ import annotations

import psycopg
import pytest
from live import outcomes
from pg_setting.setting_cases import settings
from psycopg import sql as SQL  # noqa: N812 - `sql` is a fixture

from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.pg_setting.values.forms import InvalidValue
from reconciler.kinds.pg_setting.values.standby_names import parse
from reconciler.model import Change, NoticeType

TEXTS = {
    "synchronous_standby_names": """
        a | a, b | a,b | "b c" | * | 1 | 1,2 | a1_$ | é | 2 (a, b) | 2(a,b) | FIRST 1 (*) | any 2 (a, "b c")
        3 ("a""b", _x) | 2 (a) | 2 (a, b | a b | a,,b | a, | a-b | a;b | any | first | ANY 1 (any)
        FIRST (a) | (a) | any 0 (a) | 0 (a)
        -1 | any 1 () | $a | "a | "" | a\\b | 'a' | en_US.UTF-8 | 1 a | 1 (a) b | ANY 1 a | * a | 1a | a"b"
    """,
    "log_destination": "stderr | jsonlog | csvlog, jsonlog | CSVLOG | eventlog | syslog,stderr | nothing",
    "recovery_target_time": """
        2020-01-01 | 2020-01-01 10:00:00+02 | now | today | epoch | infinity | garbage | 2020-13-01
    """,
    "recovery_target_name": f"before | {'x' * 63} | {'x' * 64} | {'é' * 31} | {'é' * 32}",
    "recovery_target_xid": "1 | 18446744073709551615 | 18446744073709551616 | 99999999999999999999999",
    "bonjour": "on | off",
}  # fmt: skip


def refused(connection: psycopg.Connection, name: str, text: str) -> bool:
    try:
        connection.execute(SQL.SQL("alter system set {} = {}").format(SQL.Identifier(name), SQL.Literal(text)))
    except psycopg.Error:
        return True
    connection.execute(SQL.SQL("alter system reset {}").format(SQL.Identifier(name)))
    return False


@pytest.mark.parametrize("name", TEXTS)
def test_what_the_server_would_refuse_is_blocked_and_nothing_else(name, pg_target, clean):
    told, by_server = {}, {}
    for text in map(str.strip, TEXTS[name].replace("\n", "|").split("|")):
        if text:
            found = outcomes(KIND, pg_target, settings({name: text}))
            told[text] = any(not isinstance(each, Change) and each.type is NoticeType.BLOCKED for each in found)
            by_server[text] = refused(clean, name, text)
    assert told == by_server


def test_blanks_alone_are_no_names_of_standbys():
    with pytest.raises(InvalidValue):
        parse(" ")
