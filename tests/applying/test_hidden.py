"""Where a target hides values, no row of a user's table comes through an error, a blocker or a receipt."""

from __future__ import annotations

import psycopg
import pytest
from pg_index.declared import declared
from waiting import given_time

from applying.acting import Seen, apply, lock_timeout, message, plan_for, results
from reconciler.errors import ObservationFailed
from reconciler.model import Applied, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.postgres.server_messages import said
from reconciler.views import render_receipt

PLANTED = "4242424242"


@pytest.fixture
def rows(tasks):
    tasks.execute("update tasks set status = %s, title = %s where id in (7, 8)", (PLANTED, f"x{PLANTED}"))
    tasks.execute("create function picky(text) returns text language plpgsql immutable as $$ begin"
                  " if $1 like 'x42%' then raise 'the value % is odd', $1; end if; return $1; end $$")  # fmt: skip
    return tasks


FAILING = [
    ({"columns": ["status"], "unique": True, "where": "id < 9 and id > 6"}, "could not create unique index", "23505"),
    ({"columns": ["(title::int)"]}, "invalid input syntax for type integer: ", "22P02"),
    ({"columns": ["(status::int)"]}, "is out of range for type integer", "22003"),
    ({"columns": ["picky(title)"]}, "", "P0001"),
]


@pytest.mark.parametrize("hide", [True, False], ids=["hidden", "shown"])
@pytest.mark.parametrize(("section", "words", "code"), FAILING, ids=[case[2] for case in FAILING])
def test_what_a_build_met_in_the_rows_is_hidden_where_it_is_asked_for(hide, section, words, code, rows, pg_target):
    if code == "22003":
        rows.execute("update tasks set status = id::text where id not in (7, 8)")
    if code == "22P02":
        rows.execute("update tasks set title = id::text where id not in (7, 8)")
    target: Target = pg_target.model_copy(update={"hide_values": hide})
    receipt = apply(plan_for(target, declared(target, i=section)), target)
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert words in message(receipt)
    assert f"({code})" in message(receipt)
    shown = render_receipt(receipt) + render_receipt(receipt, "json")
    assert (PLANTED in shown) is not hide
    assert "what it left behind was taken away" in message(receipt)


@pytest.mark.parametrize("hide", [True, False], ids=["hidden", "shown"])
def test_the_statement_of_a_blocker_shows_no_text_ever_and_no_number_where_values_are_hidden(
    hide, rows, pg_target, holder
):
    target = pg_target.model_copy(update={"hide_values": hide})

    def attempt(seconds: float) -> tuple[str, str]:
        holder.rollback()
        rows.execute("drop index if exists i")
        holder.execute("update tasks set title = 'x4242424242', priority = 31337 where id = 1")
        listener = Seen()
        with lock_timeout(seconds):
            plan = plan_for(target, declared(target, i={"columns": ["id"]}))
            said_of_it = message(apply(plan, target, listener=listener))
        return said_of_it, "".join(str(blocker) for look in listener.waits for blocker in look.blockers)

    waited = f"process {holder.info.backend_pid}, "
    said_of_it, told = given_time(attempt, lambda found: all(waited in text for text in found))
    assert f"waited for {waited}" in said_of_it
    for text in (said_of_it, told):
        assert PLANTED not in text
        assert ("31337" in text) is not hide
        assert "update tasks set title = '…', priority = " in text


def test_what_an_observation_met_is_hidden_also_in_a_traceback(rows, pg_target):
    session = connect(pg_target.model_copy(update={"hide_values": True}), Secrets({}))
    with pytest.raises(ObservationFailed) as raised:
        session.fetch("select title::int from tasks where id = 7")
    assert PLANTED not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    session.close()


def test_hints_of_the_server_stay(sql):
    with pytest.raises(psycopg.Error) as raised:
        sql.execute("select no_such_function(1)")
    assert "No function matches" in said(raised.value, hide_values=True)
