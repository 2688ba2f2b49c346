"""One index in two spellings: as somebody declares it, and as PostgreSQL stores it."""

from __future__ import annotations

import pytest
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Notice

pytestmark = pytest.mark.matrix

TABLE = """
    create type mood as enum ('sad', 'ok', 'happy');
    create domain email as text;
    create table tasks (
        id bigint primary key, status varchar(20), title text, priority int, score numeric, created_at timestamptz,
        seen timestamp, due date, meta jsonb, tags text[], mood mood, mail email, done boolean, "mixedCase" text,
        c char(3)
    )
"""


SPELLINGS = [
    # (declared where, created where)
    ("status in ('a', 'b')", "status in ('a','b')"),
    ("status in ('a', 'b')", "status = any (array['a', 'b'])"),
    ("status = any ('{a,b}')", "status in ('a', 'b')"),
    ("status in ('b', 'a')", "status in ('a', 'b')"),
    ("STATUS IN ('a')", "status = 'a'"),
    ("status = 'a'", "(status)::text = 'a'::text"),
    ("status='a'", "status = 'a'::varchar"),
    ("status = 'a' or status = 'b'", "(((status = 'a') or (status = 'b')))"),
    ("status not in ('a', 'b')", "status <> all (array['a', 'b'])"),
    ("priority>5 and not done", "not done and priority > 5"),
    ("priority > 5", "priority > '5'::int"),
    ("priority > 2 + 3", "priority > 5"),
    ("priority between 1 and 5", "priority >= 1 and priority <= 5"),
    ("priority in (1,2,3)", "priority = any ('{1,2,3}'::int[])"),
    ("score > 1.5", "score > 1.5::numeric"),
    ("score > 1", "score > 1::numeric"),
    ("title is not null", "title IS NOT NULL"),
    ("not (title is null)", "not title is null"),
    ("title like 'a%'", "title ~~ 'a%'"),
    ("title ilike 'a%'", "title ~~* 'a%'::text"),
    ("title not like 'a%'", "title !~~ 'a%'"),
    ("due > '2024-01-01'", "due > '2024-01-01'::date"),
    ("due > date '2024-01-01'", "due > cast('2024-01-01' as date)"),
    ("seen > '2024-01-01'", "seen > '2024-01-01 00:00:00'::timestamp without time zone"),
    ("mood = 'ok'", "mood = 'ok'::mood"),
    ("mood in ('ok', 'sad')", "mood = any (array['ok'::mood, 'sad'::mood])"),
    ("mail = 'x'", "mail::text = 'x'"),
    ("done", "(done)"),
    ("done is true", "done IS TRUE"),
    ("not done", "(NOT done)"),
    ("meta ->> 'a' = 'b'", "((meta->>'a') = 'b'::text)"),
    ("meta @> '{\"a\": 1}'", "meta @> '{\"a\":1}'::jsonb"),
    ("title in ('in progress', 'a,b', 'x')", "title in ('x', 'a,b', 'in progress')"),
    ("meta ? 'a'", "meta ? 'a'::text"),
    ("'x' = any (tags)", "('x'::text = any(tags))"),
    ("coalesce(title, '') <> ''", "COALESCE(title, ''::text) <> ''::text"),
    ("length(title) > 3", "pg_catalog.length(title) > 3"),
    ("lower(title) = 'a'", "lower(tasks.title) = 'a'::text"),
    ('"mixedCase" is null', '"mixedCase" IS NULL'),
    ("c = 'abc'", "c = 'abc'::bpchar"),
    ("case when done then 1 else 0 end = 1", "CASE WHEN done THEN 1 ELSE 0 END = 1"),
    ("extract(year from due) = 2024", "extract(YEAR FROM due) = 2024::numeric"),
    ("created_at is distinct from null", "created_at IS NOT NULL"),
    ("nullif(title, '') is not null", "NULLIF(title, ''::text) IS NOT NULL"),
    ("(priority, id) > (1, 2)", "row(priority, id) > row(1, 2)"),
]

EXPRESSIONS = [
    ("lower(title)", "LOWER( title )"),
    ("lower(status)", "lower((status)::text)"),
    ("status || 'x'", "((status)::text || 'x'::text)"),
    ("(meta ->> 'a')", "((meta->>'a'::text))"),
    ("meta->>'a'", "((meta ->> 'a'))"),
    ("(meta ->> 'n')::int", "(((meta ->> 'n'::text))::integer)"),
    ("priority + 1", "((priority + 1))"),
    ("coalesce(title, '')", "COALESCE(title, ''::text)"),
    ("substring(title from 1 for 3)", "substring(title, 1, 3)"),
    ("date_trunc('day', seen)", "date_trunc('day'::text, seen)"),
    ("(lower(title)) desc", "lower(title) DESC NULLS FIRST"),
    ('(lower(title) collate "C")', 'lower(title) collate "C"'),
    ("due::date", "due"),
    ("(title::text)", "title"),
    ("(tasks.title)", "title"),
    ('(title collate "C")', 'title collate "C"'),
    ('lower(title) collate "C"', 'lower(title) COLLATE "C"'),
    ("lower(title) text_pattern_ops", "lower(title) text_pattern_ops"),
    ("timezone('UTC', seen)", "(seen at time zone 'UTC')"),
    ("trim(title)", "btrim(title)"),
    ("seen at time zone 'UTC'", "(seen at time zone 'UTC')"),
    ('upper("mixedCase")', 'upper("mixedCase")'),
]


def test_no_spelling_of_a_predicate_is_a_difference(sql, pg_target):
    sql.execute(TABLE)
    wanted = {}
    for n, (ours, theirs) in enumerate(SPELLINGS):
        sql.execute(f"create index i{n} on tasks (id) where {theirs}")
        wanted[f"i{n}"] = {"columns": ["id"], "where": ours}
    found = outcomes(KIND, pg_target, declared(pg_target, **wanted))
    assert [(outcome.address.name, outcome.summary) for outcome in found] == []


def test_no_spelling_of_an_expression_is_a_difference(sql, pg_target):
    sql.execute(TABLE)
    wanted = {}
    for n, (ours, theirs) in enumerate(EXPRESSIONS):
        sql.execute(f"create index i{n} on tasks ({theirs})")
        wanted[f"i{n}"] = {"columns": [ours]}
    found = outcomes(KIND, pg_target, declared(pg_target, **wanted))
    assert [(outcome.address.name, outcome.summary) for outcome in found] == []


def test_each_spelling_can_be_created_and_is_then_in_sync(sql, pg_target):
    sql.execute(TABLE)
    wanted = {f"p{n}": {"columns": ["id"], "where": ours} for n, (ours, _) in enumerate(SPELLINGS)}
    wanted |= {f"e{n}": {"columns": [ours]} for n, (ours, _) in enumerate(EXPRESSIONS)}
    created = converge(KIND, pg_target, declared(pg_target, **wanted))
    assert {change.action for change in created} <= {Action.CREATE, Action.RENAME}
    assert len(created) == len(wanted)
    valid = sql.execute("select count(*) from pg_index where indisvalid and indrelid = 'tasks'::regclass").fetchone()
    assert valid == (len(wanted) + 1,)


DIFFERENT = [
    ("status in ('a', 'b')", "status in ('a', 'c')"),
    ("priority > 5", "priority >= 5"),
    ("done", "not done"),
    ("title like 'a%'", "title like 'b%'"),
    ("status = 'a' and done", "status = 'a' or done"),
    ("due > '2024-01-01'", "due > '2024-01-02'"),
    ("status > 'a'", "status collate \"C\" > 'a'"),
    ("title in ('in progress', 'x')", "title in ('in', 'progress', 'x')"),
    ("(meta ->> 'a') = 'b'", "(meta -> 'a') = '\"b\"'"),
]


@pytest.mark.parametrize(("ours", "theirs"), DIFFERENT)
def test_a_different_predicate_is_never_in_sync(sql, pg_target, ours, theirs):
    sql.execute(TABLE)
    sql.execute(f"create index i on tasks (id) where {theirs}")
    [change] = converge(KIND, pg_target, declared(pg_target, i={"columns": ["id"], "where": ours}))
    assert change.action is Action.REPLACE


ATTRIBUTES = [
    ({"columns": ["title", "priority desc"]}, "(title, priority desc)"),
    ({"columns": ["title desc nulls last"]}, "(title desc nulls last)"),
    ({"columns": ["title nulls first"]}, "(title nulls first)"),
    ({"columns": ["title"], "include": ["status", "mixedCase"]}, '(title) include (status, "mixedCase")'),
    ({"columns": ["title"], "unique": "true"}, "(title)"),
    ({"columns": ['title collate "C"']}, '(title collate "C")'),
    ({"columns": ["title collate pg_catalog.\"C\""]}, '(title collate "C")'),
    ({"columns": ['title collate "default"']}, "(title)"),
    ({"columns": ["title text_ops"]}, "(title)"),
    ({"columns": ["status text_ops"]}, "(status)"),
    ({"columns": ["mood enum_ops"]}, "(mood)"),
    ({"columns": ["tags array_ops"], "using": "gin"}, "using gin (tags)"),
    ({"columns": ["title text_pattern_ops"]}, "(title text_pattern_ops)"),
    ({"columns": ["meta jsonb_path_ops"], "using": "gin"}, "using gin (meta jsonb_path_ops)"),
    ({"columns": ["meta"], "using": "GIN", "with": {"fastupdate": "off"}}, "using gin (meta) with (fastupdate=false)"),
    ({"columns": ["created_at"], "using": "brin", "with": {"pages_per_range": "32"}},
     "using brin (created_at) with (pages_per_range = 32)"),
    ({"columns": ["title"], "using": "hash"}, "using hash (title)"),
    ({"columns": ["mixedCase"]}, '("mixedCase")'),
    ({"columns": ['"mixedCase" desc']}, '("mixedCase" desc)'),
    ({"columns": ["title"], "with": {"fillfactor": "70"}}, "(title) with (fillfactor=70)"),
    ({"columns": ["title"], "tablespace": "pg_default"}, "(title)"),
    ({"sql": "create index i on public.tasks using brin (created_at)"}, "using brin (created_at)"),
    ({"sql": "CREATE INDEX CONCURRENTLY i ON tasks (title DESC)"}, "(title desc)"),
    ({"columns": ["mail"]}, "(mail)"),
    ({"columns": ["title"], "where": "true"}, "(title)"),
    ({"columns": ["title"], "with": {"FILLFACTOR": "070", "deduplicate_items": "f"}},
     "(title) with (fillfactor=70, deduplicate_items=off)"),
    ({"columns": ["(title)"]}, "(title)"),
]  # fmt: skip


def test_no_spelling_of_an_attribute_is_a_difference(sql, pg_target):
    sql.execute(TABLE)
    wanted = {}
    for n, (ours, theirs) in enumerate(ATTRIBUTES):
        unique = "unique" if ours.get("unique") else ""
        sql.execute(f"create {unique} index i{n} on tasks {theirs}")
        if "sql" in ours:
            ours = {"sql": ours["sql"].replace(" i ", f" i{n} ").replace(" I ", f" i{n} ")}
        wanted[f"i{n}"] = ours
    found = outcomes(KIND, pg_target, declared(pg_target, **wanted))
    assert [(outcome.address.name, outcome.summary) for outcome in found] == []


def test_each_attribute_is_seen_when_it_is_missing(sql, pg_target):
    sql.execute(TABLE)
    plain = {"columns": ["title"]}
    lost = [
        {"columns": ["title desc"]}, {"columns": ["title nulls first"]}, {"columns": ["title", "status"]},
        {"columns": ["status"]}, {"columns": ["title"], "include": ["status"]}, {"columns": ["title"], "unique": True},
        {"columns": ['title collate "C"']}, {"columns": ["title text_pattern_ops"]},
        {"columns": ["title"], "using": "hash"}, {"columns": ["title"], "where": "done"},
        {"columns": ["lower(title)"]}, {"columns": ["title"], "with": {"fillfactor": "70"}},
    ]  # fmt: skip
    converge(KIND, pg_target, declared(pg_target, **{f"i{n}": plain for n in range(len(lost))}))
    wanted = {f"i{n}": other for n, other in enumerate(lost)}
    changed = converge(KIND, pg_target, declared(pg_target, **wanted))
    assert len(changed) == len(lost)


@pytest.mark.pg(">= 15")
def test_nulls_not_distinct_is_an_attribute(sql, pg_target):
    sql.execute(TABLE)
    sql.execute("create unique index i on tasks (title)")
    wanted = declared(pg_target, i={"columns": ["title"], "unique": True, "nulls_not_distinct": True})
    [change] = converge(KIND, pg_target, wanted)
    assert change.action is Action.REPLACE


UNREADABLE = [
    ({"columns": ["colums"]}, 'column "colums" does not exist'),
    ({"columns": ["Title"]}, 'column "Title" does not exist'),
    ({"columns": ["nofunc(title)"]}, "function nofunc(text) does not exist"),
    ({"columns": ["title"], "where": "priority = 'x'"}, "invalid input syntax for type integer"),
    ({"columns": ["title"], "include": ["nothing"]}, 'column "nothing" does not exist'),
]


@pytest.mark.parametrize(("wrong", "said"), UNREADABLE)
def test_what_the_server_cannot_read_is_said_and_never_run(sql, pg_target, wrong, said):
    sql.execute(TABLE)
    good = {"columns": ["title"]}
    [notice, change] = outcomes(KIND, pg_target, declared(pg_target, wrong=wrong, good=good))
    assert isinstance(notice, Notice)
    assert said in notice.message
    assert change.action is Action.CREATE
