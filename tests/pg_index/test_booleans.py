"""A boolean as text is read as the server reads it."""

from __future__ import annotations

import psycopg
import pytest

from reconciler.kinds.booleans import parse_bool

WORDS = ("true", "false", "yes", "no", "on", "off", "1", "0")
TEXTS = sorted({
    *(word[:end] for word in WORDS for end in range(len(word) + 1)), *(word.upper() for word in WORDS),
    *(f"{word}{more}" for word in WORDS for more in ("e", " ", "1")), " on", "2", "10", "ein", "01", "+1",
})  # fmt: skip


def test_a_text_is_a_boolean_where_a_setting_of_the_server_takes_it(sql):
    """Seen to fail: of storage parameters, the empty text was true."""
    for text in TEXTS:
        try:
            [read] = sql.execute("select set_config('enable_seqscan', %s, false)", (text,)).fetchone()
        except psycopg.errors.InvalidParameterValue:
            read = None
        assert parse_bool(text) == {"on": True, "off": False, None: None}[read], text


@pytest.mark.parametrize("parameter", ["", "o", "maybe"])
def test_no_storage_parameter_takes_what_is_no_boolean(sql, parameter):
    sql.execute("create table t (a tsvector)")
    with pytest.raises(psycopg.Error, match="invalid value for boolean option"):
        sql.execute(f"create index i on t using gin (a) with (fastupdate = '{parameter}')")
