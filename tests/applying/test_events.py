"""What an apply tells while it runs: typed, in order, without a secret, and to everybody.

Decided: docs/decisions.md#events-of-an-apply
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import TypeAdapter
from views.sample import RECEIPT

from applying.acting import Seen, apply, now
from applying.test_secrets import PLANTED, planted
from reconciler.applying import event_logging
from reconciler.applying.events import Events
from reconciler.desired.load import load
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Address, Blocker, HazardType, RedisStep
from reconciler.model.event import Done, Event, Finished, Planned, Progress, Purpose, Started, Step, StepState, Waiting
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

__all__ = ["planted"]

EVENT = TypeAdapter(Event)


def test_a_real_apply_is_told_from_its_plan_to_its_end_in_order_and_without_a_secret(planted):
    secrets = Secrets(os.environ)
    desired = load(planted, KINDS, os.environ, secrets)
    plan = make_plan(desired.targets, desired.resources, secrets, created_at=now())
    listener = Seen()
    targets = list(desired.targets.values())
    receipt = apply(plan, targets, secrets, listener=listener, allowed=[HazardType.LESS_SAFE])
    assert receipt.succeeded

    lines = [EVENT.dump_json(each).decode() for each in listener.told]
    assert [EVENT.validate_json(line) for line in lines] == listener.told
    assert [secret for secret in PLANTED for line in lines if secret in line] == []

    first, *between, last = listener.told
    assert isinstance(first, Planned)
    assert [each.address for each in first.changes] == [change.address for change in plan.changes]
    assert isinstance(last, Done)
    assert (last.plan_digest, last.verdict, last.succeeded) == (plan.digest, receipt.verdict, True)
    assert {each.at.tzinfo for each in listener.told} == {now().tzinfo}

    for change in receipt.changes:
        own = [each for each in between if getattr(each, "address", None) == change.address]
        assert isinstance(own[0], Started)
        assert isinstance(own[-1], Finished)
        assert own[-1].receipt == change
        assert receipt.started_at <= own[0].at == change.started_at <= receipt.finished_at
        steps = [
            each for each in between if isinstance(each, Step) and change.address in (each.address, *each.together)
        ]
        assert [each.state for each in steps] == [StepState.BEGAN, StepState.ENDED] * len(change.steps)
        assert [each.step for each in steps[::2]] == [done.step for done in change.steps]
        assert [each.number for each in steps[::2]] == list(range(1, len(change.steps) + 1))
        assert {each.of for each in steps} == {len(change.steps)}
        places = [between.index(each) for each in (own[0], *steps, own[-1])]
        assert places == sorted(places)


ADDRESS = Address("main", "redis_setting", "hz")
STEP = RedisStep(command=("CONFIG", "SET", "hz", "20"))


def events(*subscribers) -> Events:
    return Events(subscribers, now, Secrets({}))


def test_one_that_raises_keeps_nobody_from_hearing_all():
    def closed(told) -> None:
        raise BrokenPipeError

    before, after = Seen(), Seen()
    stream = events(before, closed, after)
    with stream.step(ADDRESS, STEP, Purpose.UNDO):
        stream.noted("main", "something")
    assert before.told == after.told
    assert [each.type for each in after.told] == ["step", "noted", "step"]


def test_a_step_that_raises_is_told_to_have_failed_and_why():
    seen = Seen()
    secrets = Secrets({})
    secrets.remember("p4ssw0rd")
    stream = Events([seen], now, secrets)
    try:
        with stream.step(ADDRESS, STEP):
            raise KeyError("p4ssw0rd")
    except KeyError:
        pass
    assert [each.state for each in seen.told] == [StepState.BEGAN, StepState.FAILED]
    assert seen.told[1].message == "unexpected KeyError: '(sensitive)'"


def test_subscribers_are_called_one_at_a_time():
    inside, most = threading.Semaphore(1), []

    def alone(told) -> None:
        most.append(inside.acquire(blocking=False))
        inside.release()

    stream = events(alone)
    receipt = RECEIPT.changes[0]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(200):
            pool.submit(stream.finished, receipt)
    assert most == [True] * 200


def test_a_planned_change_is_its_address_and_action():
    told = Planned.model_validate_json(
        '{"type": "planned", "at": "2026-01-02T03:04:05Z", "plan_digest": "d",'
        ' "changes": [{"address": "main/redis_setting/hz", "action": "update"}]}'
    )
    [change] = told.changes
    assert (change.address, change.action) == (ADDRESS, Action.UPDATE)


def test_the_log_tells_a_wait_once_and_not_at_each_look():
    """It told the same wait every half second."""
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(event_logging.log, "event", lambda line, *_, **named: told.append(f"{line} {named}"))
        hear = event_logging.logging()
        address = Address("main", "pg_index", "public.i")
        blocker = Blocker(pid=7, user="u", application="a", state="idle", seconds=1.0, query="")
        again, other = (blocker.model_copy(update=each) for each in ({"seconds": 1.5}, {"pid": 8}))
        for one in (blocker, again, other):
            hear(Waiting(at=now(), address=address, phase="waiting for a lock", fraction=None, blockers=(one,)))
        for fraction in (0.0, 0.01, 0.02, 0.5, 0.55):
            hear(Progress(at=now(), address=address, phase="building", fraction=fraction))
    assert [line.count("waits_for") for line in told] == [1, 1, 0, 0]
