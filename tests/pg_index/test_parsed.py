"""How often our parser reads what a plan is about: as few times as there are texts, whatever their number.

Counted is what does not depend on the machine. What was read before is remembered, so that each case has a column of
its own.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

import postgast
import pytest
from live import outcomes

from pg_index.declared import declared, tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import Change
from reconciler.targets.postgres.quoting import identifier

TABLE = "(id bigint primary key, account_id bigint, status varchar(20), name text, meta jsonb, created_at timestamptz)"
OF_ITS_OWN = "(id bigint primary key, status_{n} varchar(20), name_{n} text, meta_{n} jsonb)"

_fresh = count(100_000)


@pytest.fixture
def parsed(monkeypatch):
    texts: Counter[str] = Counter()
    parse = postgast.parse

    def parsing(text):
        texts[text] += 1
        return parse(text)

    monkeypatch.setattr(postgast, "parse", parsing)
    return texts


def test_indexes_of_columns_are_not_parsed(sql, pg_target, parsed):
    sql.execute(f"create table tasks {TABLE}")
    sql.execute("create index a on tasks (account_id, created_at desc)")
    sql.execute("create index b on tasks (status, created_at desc nulls last) include (account_id)")
    sql.execute("create index c on tasks using gin (meta)")
    wanted = {
        "a": {"columns": ["account_id", "created_at desc"]},
        "b": {"columns": ["status", "created_at DESC NULLS LAST"], "include": ["account_id"]},
        "c": {"columns": ["meta"], "using": "gin"},
    }
    assert outcomes(KIND, pg_target, declared(pg_target, **wanted)) == []
    assert parsed == {}


EXPRESSIONS = {
    "a key": ("((meta_{n}->>'k'), id)", {"columns": ["(meta_{n} ->> 'k')", "id"]}),
    "a call": ("(lower(name_{n} || 'x'))", {"columns": ["LOWER( name_{n}||'x' )"]}),
    "a direction": ("((meta_{n}->>'k') desc, id)", {"columns": ["(meta_{n} ->> 'k') desc", "id"]}),
    "a predicate": ("(id) where status_{n} in ('a', 'b')", {"columns": ["id"], "where": "status_{n} in ('a', 'b')"}),
}
"""What is there, and the same in words that PostgreSQL does not print."""


@pytest.mark.matrix
@pytest.mark.parametrize("form", EXPRESSIONS)
def test_a_declared_text_is_parsed_twice_and_what_is_there_never(sql, pg_target, parsed, form):
    """Once as it is declared, once for the names in it; the server says that it is the same. Seen to fail with two
    more, of the definition that is there, and of the name of the table."""
    there, wanted = EXPRESSIONS[form]
    number = next(_fresh)
    table = f"tasks_{number}"
    sql.execute(f"create table {table} {OF_ITS_OWN.format(n=number)}")
    sql.execute(f"create index i on {table} {there.format(n=number)}")
    filled = {key: [each.format(n=number) for each in of] if isinstance(of, list) else of.format(n=number)
              for key, of in wanted.items()}  # fmt: skip
    assert outcomes(KIND, pg_target, tables(pg_target, {f"public.{table}": {"indexes": {"i": filled}}})) == []
    assert sum(parsed.values()) == 2, parsed


def test_a_text_whose_parts_may_be_left_out_is_parsed_twice_more(sql, pg_target, parsed):
    """It, and what it comes down to; not the definition that is there, which comes down to its own words."""
    number = next(_fresh)
    sql.execute(f"create table tasks {OF_ITS_OWN.format(n=number)}")
    sql.execute(f"create index i on tasks ((coalesce(name_{number}, 'x') || 'y'))")
    wanted = {"columns": [f"(COALESCE(name_{number}, 'x') || 'y')"]}
    assert outcomes(KIND, pg_target, declared(pg_target, i=wanted)) == []
    assert sum(parsed.values()) == 4, parsed


def test_texts_that_differ_in_constants_alone_are_parsed_as_one(sql, pg_target, parsed):
    """But for conditions, each of which is parsed as it is declared: those of ten tables. Seen to fail with 60."""
    number = next(_fresh)
    there = {}
    for n in range(10):
        sql.execute(f"create table t{n} {OF_ITS_OWN.format(n=number)}")
        sql.execute(
            f"create index i{n} on t{n} ((coalesce(name_{number}, 'x') || '{n}'))"
            f" where status_{number} in ('a', 'b{n}')"
        )
        there[f"public.t{n}"] = {
            "indexes": {
                f"i{n}": {
                    "columns": [f"(COALESCE(name_{number}, 'x') || '{n}')"],
                    "where": f"status_{number} in ('a', 'b{n}')",
                }
            }
        }
    assert outcomes(KIND, pg_target, tables(pg_target, there)) == []
    assert sum(parsed.values()) == 4 + 1 + 10, parsed


def test_what_is_no_word_of_the_grammar_needs_no_parser_to_be_quoted(parsed):
    plain = [f"item_{next(_fresh)}" for _ in range(10)]
    assert [identifier(name).as_string(None) for name in plain] == plain
    assert parsed == {}


def test_every_word_of_the_server_is_quoted_where_the_server_quotes_it(sql):
    """Those that the parser is asked about are all that any server knows."""
    words = sql.execute("select word, catcode from pg_get_keywords()").fetchall()
    reserved = {word for word, kind in words if kind in ("R", "T")}
    assert len(reserved) > 80
    assert {word for word in reserved if identifier(word).as_string(None) == word} == set()


@pytest.mark.matrix
@pytest.mark.parametrize("more", ['collate "C"', "text_pattern_ops", 'collate "C" text_pattern_ops desc'])
def test_what_a_key_names_is_seen_without_the_parser(sql, pg_target, more):
    """An index that names a collation or an operator class is not the one whose declaration names none."""
    sql.execute(f"create table tasks {TABLE}")
    sql.execute(f"create index i on tasks ((name || 'x') {more}, (name || 'y'))")
    ordered = " desc" if more.endswith("desc") else ""
    found = outcomes(KIND, pg_target, declared(pg_target, i={"columns": [f"(name || 'x'){ordered}", "(name || 'y')"]}))
    assert [type(outcome) for outcome in found] == [Change]
    wanted = {"columns": [f"(name || 'x') {more}", "(name || 'y')"]}
    assert outcomes(KIND, pg_target, declared(pg_target, i=wanted)) == []
