"""Names and values of bytes that are no text, or that UTF-8 does not have: the rest is read, and they are told.

Each was seen on the code before: SQL_ASCII and the East Asian encodings ended every verb with "invalid byte sequence"
(22021), WIN1251 with "has no equivalent in encoding UTF8" (22P05), and one such role or role's setting did so in
every other database of the server, those of UTF8 by a UnicodeDecodeError of ours.
"""

from __future__ import annotations

import itertools

import psycopg
import pytest
from waiting import reload

from reconciler.cli.app import run

_numbers = itertools.count()

YAML = """
targets: {main: {postgres: "${DATABASE_URL}", memory: 16GB}}
---
target: main
tables:
  public.good:
    unlisted_indexes: report
    indexes:
      good_a: {columns: [a]}
      new: {columns: [a desc]}
settings: {work_mem: 7MB}
checklist:
  - {id: sees, title: t, check: {sql: "select count(*) from pg_catalog.pg_stat_activity", at_least: 1}}
"""

NAMED = {
    "SQL_ASCII": b"odd\xff",
    "EUC_TW": b"odd\x8e\xa3\xfe\xfe",
    "EUC_JP": b"odd\x8f\xfe\xfe",
    "WIN1251": b"odd\x98",
    "LATIN1": b"odd\xff",
    "UTF8": "odd\uf7ff".encode(),
}
"""By encoding, a name that its databases take."""


def verbatim(url: str) -> psycopg.Connection:
    """A connection that sends bytes as they are."""
    return psycopg.connect(url, autocommit=True, client_encoding="sql_ascii")


@pytest.fixture(params=NAMED)
def encoded(request, postgres, monkeypatch, tmp_path):
    """The encoding of a database with a good table, an odd one, and odd indexes on both; and a connection to it."""
    database = f"encoded_{next(_numbers)}"
    odd = NAMED[request.param]
    with verbatim(postgres.url()) as admin:
        admin.execute(
            f"create database {database} encoding '{request.param}' template template0 lc_collate 'C' lc_ctype 'C'"
        )
        with verbatim(postgres.url(database)) as connection:
            for statement in (
                b"create table good (id int primary key, a int, b text)",
                b"create index good_a on good (a)",
                b'create index "%s" on good (a, id)' % odd,
                b"create index good_where on good (id) where b = '%s'" % odd,
                b'create table "%s_table" (id int, a int)' % odd,
                b'create index plain_name on "%s_table" (a)' % odd,
            ):
                connection.execute(statement)
            monkeypatch.setenv("DATABASE_URL", postgres.url(database))
            (tmp_path / "all.yaml").write_text(YAML)
            yield request.param, connection
        admin.execute("alter system reset all")
        reload(admin)
        admin.execute(f"drop database {database} (force)")


@pytest.fixture
def odd_role(postgres):
    """A role, shared by all databases, whose name and whose settings no encoding but SQL_ASCII has."""
    name = f"nest_{next(_numbers)}"
    with verbatim(postgres.url()) as admin:
        admin.execute(f"create database {name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'")
        with verbatim(postgres.url(name)) as connection:
            connection.execute(b'create role "r\xff" login')
            connection.execute(b"alter role \"r\xff\" set work_mem = '5MB'")
            connection.execute(b'alter role postgres in database %s set search_path = public, "s\xff"' % name.encode())
            connection.execute(b'alter role "r\xff" set search_path = public, "s\xff"')
            yield
            connection.execute(f"alter role postgres in database {name} reset all")
            connection.execute(b'drop role "r\xff"')
        admin.execute(f"drop database {name} (force)")


def verb(tmp_path, *words: str) -> int:
    return run(["--desired", str(tmp_path), *words])


def test_the_rest_is_imported_and_what_cannot_be_named_is_told(encoded, odd_role, tmp_path, capsys):
    encoding, _ = encoded
    assert verb(tmp_path, "import", "main") == 0
    out = capsys.readouterr().out
    assert "good_a: {columns: [a]}" in out
    if encoding == "LATIN1":
        assert "oddÿ: {columns: [a, id]}" in out
        return
    if encoding == "WIN1251":
        assert "rя" in out, "what one encoding does not have, another has"
    else:
        assert "r\\xff: left out: its name, or what it is made of, is no text in UTF-8" in out
    if encoding != "UTF8":
        told = " ".join(line.strip(" #") for line in out.splitlines())
        assert told.count("left out: its name, or what it is made of, is no text in UTF-8") >= 3
        assert "odd\\x" in told
        assert "_table: left out" in told
    assert out.replace("\n", "").isprintable() or encoding == "UTF8"


def test_all_is_planned_made_and_in_sync_beside_what_cannot_be_named(encoded, odd_role, tmp_path, capsys):
    encoding, connection = encoded
    assert verb(tmp_path, "check") == 0, capsys.readouterr()
    assert verb(tmp_path, "drift") == 2, capsys.readouterr()
    assert verb(tmp_path, "plan", "--rehearse", "--detailed-exitcode") == 2, capsys.readouterr()
    assert verb(tmp_path, "apply", "--yes") == 0, capsys.readouterr()
    capsys.readouterr()
    assert verb(tmp_path, "plan", "--detailed-exitcode") == 0
    out = capsys.readouterr().out
    assert "No changes." in out
    assert "public.odd" in out, "an index that no file declares is told, whatever its name"
    assert connection.execute("select count(*) from pg_index where indexrelid = 'new'::regclass").fetchone() == (1,)
    assert encoding == "UTF8" or out.replace("\n", "").isprintable()


def test_an_index_whose_name_nobody_can_write_is_not_dropped_by_a_rule(encoded, tmp_path, capsys):
    encoding, connection = encoded
    (tmp_path / "all.yaml").write_text(YAML.replace("unlisted_indexes: report", "unlisted_indexes: drop"))
    code = verb(tmp_path, "apply", "--yes", "--allow", "index-drop")
    captured = capsys.readouterr()
    rows = connection.execute(
        "select relname from pg_class join pg_index on oid = indexrelid"
        " where indrelid = 'good'::regclass and not indisprimary"
    )
    left = [bytes(name) for (name,) in rows]
    odd = [name for name in left if b"odd" in name]
    assert code == ("1 index is blocked" in captured.out), f"all else was applied: {captured}"
    assert len(left) == 2 + len(odd)
    assert len(odd) == (encoding not in ("LATIN1", "UTF8")), captured
    assert not odd or "is no text in UTF-8" in captured.out


def test_a_session_that_the_server_ends_at_once_is_connected_to_all_the_same(
    postgres, odd_role, tmp_path, monkeypatch, capsys
):
    """From 18 on the server tells search_path to each client as it connects."""
    [name] = [
        name
        for (name,) in verbatim(postgres.url()).execute("select datname from pg_database where datname like 'nest%'")
    ]
    monkeypatch.setenv("DATABASE_URL", postgres.url(name.decode()))
    (tmp_path / "all.yaml").write_text('targets: {main: {postgres: "${DATABASE_URL}"}}\n')
    assert verb(tmp_path, "import", "main") == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert "search_path: left out" in out
