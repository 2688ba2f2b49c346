"""SQL of somebody else that has no end: no verb ends without a word, nor by what others have in a database.

On the code before, 60 operators in a row ended every plan of their table, of a query on it and every import with
"unexpected DecodeError"; 45,000 of them ended `validate` with signal 11.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from applying.acting import apply, plan_for
from check.declare import decided
from pg_index.declared import declared

from attacks.repository import Checkout
from reconciler.kinds.pg_index import KIND
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

CHAINS = {
    "operators": lambda n: "1" + "+1" * n,
    "concatenation": lambda n: "'x'" + "||'x'" * n,
    "casts": lambda n: "1" + "::int" * n,
    "not": lambda n: "not " * n + "true",
    "calls": lambda n: "abs(" * n + "1" + ")" * n,
    "case": lambda n: "case when true then " * n + "1" + " end" * n,
    "union": lambda n: "(select 1" + " union select 1" * n + ")",
    "subselects": lambda n: "(select " * n + "1" + ")" * n,
}


LONGEST = 90_000
"""Letters: a statement of a checklist may have some more."""

TEXTS = {
    f"{count} {name}": text
    for name, chain in CHAINS.items()
    for count in (60, 5000, 45_000)
    if len(text := chain(count)) < LONGEST
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_validate_says_what_it_does_not_take(checkout: Checkout, text: str):
    item = f'  - {{id: i, title: t, check: {{sql: "select {text}", equals: x}}}}\n'
    index = f'tables:\n  public.t:\n    indexes:\n      i: {{columns: ["({text})"]}}\n'
    for yaml in (f"checklist:\n{item}", index):
        checkout.write(
            {"desired/x.yaml": f"targets: {{main: {{postgres: 'postgresql://h/d'}}}}\n---\ntarget: main\n{yaml}"}
        )
        done = checkout.run("validate")
        assert done.code in (0, 1), done.shown
        assert "unexpected" not in done.shown
        assert "Traceback" not in done.shown


def test_an_index_of_many_operators_is_compared_and_imported(pg_target, sql):
    chain = "+".join(["id"] * 200)
    sql.execute("create table tasks (id bigint primary key, status text)")
    sql.execute(f"create index long on tasks (({chain}))")
    assert plan_for(pg_target, declared(pg_target, j={"columns": ["status"]})).notices == ()
    assert plan_for(pg_target, declared(pg_target, long={"columns": [f"({'+'.join(['id'] * 100)})"]})).changes
    with closing(connect(pg_target, Secrets({}))) as session:
        assert "long" in str(KIND.written(session))
    assert apply(plan_for(pg_target, declared(pg_target, j={"columns": ["status"]})), pg_target).succeeded
    assert plan_for(pg_target, declared(pg_target, j={"columns": ["status"]})).is_empty


def test_a_checklist_of_many_operators_is_decided(pg_target):
    assert decided(pg_target, {"sql": f"select {CHAINS['operators'](140)} as many", "equals": "141"}) == [
        ("pass", "many is 141")
    ]
