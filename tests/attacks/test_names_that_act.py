"""Names that would act on a terminal, or write lines of their own, are shown as codes, whatever prints them.

`plan --rehearse` printed the name of a stranger's function on stderr as it is: ESC, line breaks and bidi.
"""

from __future__ import annotations

import unicodedata

import pytest

from attacks.repository import Checkout

ACTS = "\x1b[31m\r\nFORGED\u202e\u2028\u200b\x9b\x7f"
"""Colours, a line of its own, text from right to left, a separator, what is not seen, C1, DEL."""

UNLISTED = """
---
target: main
unlisted_indexes: drift
unlisted_settings: report
tables:
  evil.tasks:
    indexes:
      mine: {columns: [a]}
      bad: {columns: [id]}
---
target: main
checklist:
  - {id: c, title: c, check: {sql: "select evil_name from evil.told", equals: x}}
  - {id: d, title: d, check: {sql: "select evil_name::int from evil.told", equals: x}}
"""

VERBS = ["plan", "plan --rehearse", "plan --format markdown", "plan --out p.json", "show p.json", "check", "drift",
         "import main", "apply --yes --allow index-drop", "apply --yes --allow index-drop --no-rehearsal",
         "--debug apply p.json"]  # fmt: skip


def _named(prefix: str) -> str:
    return f'"{prefix}{ACTS}"'


@pytest.fixture
def hostile(sql, database, mallory):
    sql.execute(f"alter database {sql.info.dbname} owner to {mallory.info.user}")
    mallory.execute("create table evil.tasks (id int, a text); create table evil.told as select 'x'::text as evil_name")
    mallory.execute("insert into evil.tasks select n, 'x' from generate_series(1, 300) n")
    mallory.execute("update evil.told set evil_name = %s", (ACTS,))
    mallory.execute(f"create function evil.{_named('f')}(text) returns text language sql immutable as 'select $1'")
    mallory.execute(f"create index bad on evil.tasks (evil.{_named('f')}(a))")
    mallory.execute(f"create index {_named('i')} on evil.tasks (a)")
    mallory.execute(f"create table evil.{_named('t')} ({_named('c')} text)")
    mallory.execute(f"create index {_named('j')} on evil.{_named('t')} ({_named('c')}) where {_named('c')} <> '{ACTS}'")
    mallory.execute(f"create type evil.{_named('e')} as enum ('{ACTS}')")
    mallory.execute(f"alter table evil.tasks add z evil.{_named('e')}; create index ez on evil.tasks (z)")
    sql.execute("grant usage on schema evil to public")


def _acting(text: str) -> set[str]:
    return {hex(ord(char)) for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")} - {"0xa"}


def test_names_of_a_stranger_act_on_no_terminal(checkout: Checkout, hostile, pg_target):
    targets = f"targets: {{main: {{postgres: '{pg_target.url.get_secret_value()}', memory: 4GB}}}}"
    checkout.write({"desired/x.yaml": targets + UNLISTED})
    shown = ""
    for verb in VERBS:
        done = checkout.run(*verb.split())
        assert done.code is not None, verb
        assert "unexpected" not in done.err, (verb, done.err)
        assert not _acting(done.shown), verb
        # Statements on standard output keep the lines that they have, indented or fenced in.
        assert not [line for line in done.err.splitlines() if line.startswith("FORGED")], verb
        shown += done.err
    assert r"\nFORGED\u202e" in shown  # it was said on stderr, too


def test_what_an_error_of_an_import_quotes_acts_on_no_terminal(checkout: Checkout, hostile, pg_target):
    targets = f"targets: {{main: {{postgres: '{pg_target.url.get_secret_value()}'}}}}"
    checkout.write({"desired/x.yaml": targets})
    for arguments in (["import", f"main{ACTS}"], ["import", "main", "--schema", f"s{ACTS}"], [f"verb{ACTS}"]):
        done = checkout.run(*arguments)
        assert done.code == 1
        assert not _acting(done.shown), arguments


def test_what_the_yaml_names_acts_on_no_terminal_where_it_is_explained(checkout: Checkout):
    name = r"q\e[31m\r\nFORGED\u202E"
    checkout.write({
        "desired/x.yaml": "targets: {main: {postgres: ''}}\n---\ntarget: main\ntables:\n  public.t:\n    indexes:\n"
        f'      "{name}": {{columns: [a]}}\n'
    })  # fmt: skip
    for arguments in (["explain", "main/pg_index/public.q\x1b[31m\r\nFORGED\u202e"], ["validate"]):
        done = checkout.run(*arguments)
        assert not _acting(done.shown), arguments
