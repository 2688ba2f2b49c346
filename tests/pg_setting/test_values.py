"""What a text means, against the server's own opinion of it."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import changes
from pg_setting.releases import may_have_its_own
from pg_setting.setting_cases import definitions
from pg_setting.setting_cases import settings as settings_of

from reconciler.kinds.pg_setting import KIND, values
from reconciler.kinds.pg_setting.values import lists
from reconciler.kinds.pg_setting.values.units import InvalidValue, shown

SETTABLE = {
    "work_mem": "kB",
    "effective_cache_size": "8kB",
    "backend_flush_after": "8kB",
    "log_parameter_max_length": "B",
    "statement_timeout": "ms",
    "tcp_keepalives_idle": "s",
    "vacuum_cost_limit": "",
    "vacuum_cost_delay": "ms, real",
    "random_page_cost": "real",
    "log_min_duration_statement": "ms, -1",
    "temp_file_limit": "kB, -1",
    "log_statement_sample_rate": "real, 0 to 1",
    "synchronous_commit": "enum",
    "constraint_exclusion": "enum",
    "client_min_messages": "enum",
    "enable_seqscan": "bool",
}
"""Settings of every sort that a session may set, so that the server can be asked."""

numbers = st.one_of(
    st.integers(-3, 2**33).map(str),
    st.integers(0, 2**20).map(hex),
    st.integers(0, 2**12).map(lambda number: f"0{number:o}"),
    st.decimals(min_value=-2, max_value=10**9, places=3).map(str),
    st.floats(min_value=1e-7, max_value=1e12).map(repr),
    st.sampled_from(
        ["", "-", "+", ".5", "-.5", "1.", "1e3", "1e", "0x", "0x1.8", "1e999", "1e-999", "nan", "inf", "08"]
    ),
)
spaces = st.sampled_from(["", " ", "  ", "\t", "\n"])
words = st.sampled_from(
    ["", "B", "kB", "MB", "GB", "TB", "KB", "mb", "us", "ms", "s", "min", "h", "d", "S", "MIN", "kBB", "m", "%", "8kB"]
)
amounts = st.tuples(spaces, st.sampled_from(["", "", "+", "-"]), numbers, spaces, words, spaces).map("".join)
switches = [
    "on",
    "off",
    "of",
    "o",
    "ON",
    "oN",
    "true",
    "tru",
    "t",
    "f",
    "false",
    "yes",
    "y",
    "ye",
    "no",
    "n",
    "1",
    "0",
    "01",
]
levels = ["local", "remote_apply", "partition", "debug", "debug2", "info", "log", "notice", "error", "fatal", "default"]
names = st.sampled_from([*switches, *levels, "", " on", "on ", "true "])


OPINION = """
    select shown, (select setting from pg_settings where name = %(name)s and shown is not null)
    from (select set_config(%(name)s, %(text)s, true) as shown offset 0) made
"""
"""In one statement, and in a transaction that ends with it: a limit that is set counts from the next statement on."""


def opinion(connection: psycopg.Connection, name: str, text: str) -> tuple[str, str] | None:
    """How the server shows `text`, with a unit and without; None where it refuses it."""
    try:
        return connection.execute(OPINION, {"name": name, "text": text}).fetchone()
    except psycopg.errors.InvalidParameterValue:
        return None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(SETTABLE)), text=st.one_of(amounts, names))
def test_a_text_means_what_the_server_takes_it_for(postgres, sql, name, text):
    definition = known(sql)[name]
    said = opinion(sql, name, text)
    try:
        meant = values.canonical(definition, text)
    except InvalidValue:
        meant = None
    if name == "tcp_keepalives_idle" and meant is not None and not 0 < meant <= 32767:
        return  # the server shows what the operating system makes of it, which is not that
    assert meant == (None if said is None else values.canonical(definition, said[1])), f"the server says {said}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["work_mem", "effective_cache_size", "log_parameter_max_length", "statement_timeout"]),
       number=st.one_of(st.integers(64, 2**21), st.integers(1, 2**21).map(lambda number: number * 1024)))  # fmt: skip
def test_a_number_is_shown_as_the_server_shows_it(postgres, sql, name, number):
    definition = known(sql)[name]
    said = opinion(sql, name, str(number))
    assert said is None or said[0] == shown(number, definition.unit)


@pytest.mark.parametrize("name", sorted(SETTABLE))
def test_bounds_are_the_servers(sql, name):
    definition = known(sql)[name]
    for edge in filter(None, (definition.min_val, definition.max_val)):
        step = 1 if definition.vartype == "integer" else 0.5
        for number in (float(edge) - step, float(edge), float(edge) + step):
            text = str(int(number)) if definition.vartype == "integer" else repr(number)
            refused = opinion(sql, name, text) is None
            try:
                values.canonical(definition, text)
                assert not refused, text
            except InvalidValue:
                assert refused, text


@pytest.mark.matrix
def test_the_tables_of_lists_are_the_servers(clean):
    """`set x = 'a', 'b'` is only accepted for lists, and only quoted lists quote what needs it."""
    wrong = {}
    for definition, _ in definitions(clean):
        if definition.vartype != "string":
            continue
        try:
            clean.execute(f"alter system set {definition.name} = 'a b', 'c'")
        except psycopg.Error as error:
            is_list, is_quoted = "takes only one argument" not in str(error), False
        else:
            content = clean.execute("select pg_read_file('postgresql.auto.conf')").fetchone()[0]
            is_list, is_quoted = True, '"a b", c' in content
            clean.execute(f"alter system reset {definition.name}")
        known_as = (lists.is_list(definition.name), lists.is_quoted(definition.name))
        if known_as != (is_list, is_quoted):
            wrong[definition.name] = (is_list, is_quoted)
    # Its items depend on each other (FIRST 2 (a, b)), so that it is compared as one text.
    assert wrong.pop("synchronous_standby_names") == (True, False)
    if clean.info.server_version < 140000:
        assert wrong.pop("unix_socket_directories") == (False, False)
    if may_have_its_own(clean.info.server_version):
        wrong = {name: found for name, found in wrong.items() if lists.is_list(name)}
    assert wrong == {}


@pytest.mark.matrix
def test_a_list_of_libraries_is_told_by_its_name_where_no_table_has_it(pg_target, sql, monkeypatch):
    """As of a setting that a minor release brings: output_plugin_libraries, where this server has it."""
    names = ["output_plugin_libraries", "session_preload_libraries"]
    known = sql.execute("select name from pg_settings where name = any(%s)", [names]).fetchall()
    monkeypatch.setattr(lists, "QUOTED", lists.QUOTED.difference(names))
    for (name,) in known:
        for value in ("pgoutput, auto_explain", ["pgoutput", "auto_explain"]):
            [change] = changes(KIND, pg_target, settings_of({name: value}))
            assert change.steps[0].statements == (f"alter system set {name} = 'pgoutput', 'auto_explain'",)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" a , b ", ("a", "b")),
        ('"a, b",c', ("a, b", "c")),
        ('"a""b"', ('a"b',)),
        ("$libdir/A", ("$libdir/A",)),
        ("", ()),
        ('""', ()),
    ],
)
def test_a_list_is_taken_apart_as_the_server_does(text, items):
    assert lists.split("shared_preload_libraries", text) == items


@pytest.mark.parametrize(("text", "reason"), [('"a', "not closed"), ('"a" b', "a comma is wanted")])
def test_a_list_that_the_server_would_refuse_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        lists.split("shared_preload_libraries", text)


_known: dict[int, dict[str, values.Definition]] = {}


def known(connection: psycopg.Connection) -> dict[str, values.Definition]:
    """The server's definitions, asked for once a server."""
    port = connection.info.port
    if port not in _known:
        _known[port] = {definition.name: definition for definition, _ in definitions(connection)}
    return _known[port]
