"""Another apply that is at work is waited for as long as asked, and no longer.

Decided: docs/decisions.md#waiting-for-another-apply
"""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from pg_index.declared import declared
from redis_setting.declared import declared as redis_settings
from waiting import until

from applying.acting import Applying, Seen, apply, now, plan_for, results
from applying.conftest import waiting
from reconciler.applying.executing.retry import Patience
from reconciler.applying.interruption import Interruption
from reconciler.applying.lock import locked
from reconciler.applying.lock.waiting import Waiting
from reconciler.errors import LockHeld
from reconciler.model import Applied
from reconciler.secrets import Secrets

COLUMNS = {"columns": ["status"]}
LONG = timedelta(minutes=5)
HELD = "cache: another apply is at work"


def test_the_lock_is_tried_until_it_is_free_and_that_is_said_once(redis_target, redis_client):
    plan, listener, tries = plan_for(redis_target, redis_settings({"hz": "20"})), Seen(), []
    with locked(redis_target, Secrets({}), now):
        applying = Applying(
            plan, redis_target, listener=listener, lock_timeout=LONG,
            patience=Patience(random=lambda: 0.1, sleep=lambda seconds: (tries.append(seconds), time.sleep(seconds))),
        )  # fmt: skip
        until(lambda: len(tries) > 2, "it is tried again")
        assert redis_client.config_get("hz") == {"hz": "10"}
    assert applying.ended().succeeded
    [note] = [line for line in listener.notes if HELD in line]
    assert note.endswith("; waiting for it")


def test_what_the_other_one_did_is_found(tasks, pg_target, holder):
    holder.execute("update tasks set priority = 0 where id = 1")
    plan = plan_for(pg_target, declared(pg_target, i=COLUMNS))
    first = Applying(plan, pg_target)
    until(lambda: waiting(tasks, "create index%"), "the first one builds")
    listener = Seen()
    second = Applying(plan, pg_target, lock_timeout=LONG, listener=listener)
    until(lambda: listener.notes, "the second one waits")
    holder.rollback()
    assert results(first.ended()) == {"public.i": Applied.APPLIED}
    assert results(second.ended()) == {"public.i": Applied.SKIPPED}


@pytest.mark.parametrize("seconds", [0, 1])
def test_the_wait_ends_and_nothing_runs(redis_target, redis_client, seconds):
    plan = plan_for(redis_target, redis_settings({"hz": "20"}))
    with locked(redis_target, Secrets({}), now), pytest.raises(LockHeld, match=HELD):
        apply(plan, redis_target, lock_timeout=timedelta(seconds=seconds))
    assert redis_client.config_get("hz") == {"hz": "10"}


def test_an_interruption_ends_the_wait(redis_target, redis_client):
    plan, listener, interruption = plan_for(redis_target, redis_settings({"hz": "20"})), Seen(), Interruption()
    with locked(redis_target, Secrets({}), now):
        applying = Applying(
            plan, redis_target, lock_timeout=LONG, interruption=interruption, listener=listener, patience=Patience()
        )
        until(lambda: listener.notes, "it waits")
        interruption.set()
        applying.join(30)
        assert not applying.is_alive()
    assert isinstance(applying.error, LockHeld)
    assert redis_client.config_get("hz") == {"hz": "10"}


def test_other_errors_are_not_waited_out():
    told = []
    wait = Waiting(60, Patience(), Interruption(), told.append)
    with pytest.raises(ValueError, match="another"), wait.while_held():
        raise ValueError("another")
    assert told == []
