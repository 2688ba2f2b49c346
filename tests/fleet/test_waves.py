"""Waves without a server: whatever becomes of the targets, each is told of once, and none before its turn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.documents import fleet_receipt
from reconciler.errors import DocumentError
from reconciler.fleet.apply import not_run
from reconciler.fleet.waves.bake import Baking
from reconciler.fleet.waves.roll_out import Between, roll_out
from reconciler.fleet.waves.shards import Waiting
from reconciler.fleet.waves.tally import Tally
from reconciler.model import (
    Address,
    CheckVerdict,
    FleetReceipt,
    NotRun,
    Plan,
    Rollout,
    Shard,
    TargetReceipt,
    TargetResult,
    Unreached,
    Wave,
    WaveReceipt,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN = Plan(reconciler_version="1.0", created_at=NOW, targets={}, digest="d")

GOOD, BAD, AWAY, HELD, OPEN = (
    TargetResult.APPLIED, TargetResult.FAILED, TargetResult.UNREACHABLE, TargetResult.HELD, TargetResult.NOT_APPROVED,
)  # fmt: skip


def receipt(result: TargetResult, ended_at: datetime | None = None) -> TargetReceipt:
    return TargetReceipt(plan_digest="d", result=result, succeeded=result is GOOD, ended_at=ended_at)


class Told:
    """What is told, in its order: names of targets, and numbers of waves that came to their end."""

    def __init__(self) -> None:
        self.order: list[str | int] = []
        self.targets: dict[str, TargetReceipt] = {}
        self.waves: list[WaveReceipt] = []

    def begins(self, number: int, wave: Wave, targets: int) -> None:
        pass

    def target(self, name: str, receipt: TargetReceipt) -> None:
        self.order.append(name)
        self.targets[name] = receipt

    def wave(self, receipt: WaveReceipt) -> None:
        self.order.append(receipt.number)
        self.waves.append(receipt)


def ran(
    rollout: Rollout, results: Mapping[str, TargetResult], *, bake: NotRun | None = None, checks: NotRun | None = None
) -> Told:
    """What is told where the targets come to `results`, at once."""
    told = Told()
    tally = Tally(rollout, lambda: False)

    def execute(plans, servers, *, at_once, stopped, told) -> None:
        for name, plan in plans.items():
            why = stopped()
            told(name, not_run(plan, why) if why else receipt(results[name], NOW))

    between = Between(
        bake=lambda number, wave: bake,
        checks=lambda receipt, names: receipt.model_copy(update={"stopped": checks, "checks": CheckVerdict.MET}),
    )
    plans = dict.fromkeys(results, PLAN)
    roll_out(rollout, plans, dict.fromkeys(results, "s"), execute, at_once=1, tally=tally, between=between, heard=told)
    return told


def rollout(*waves: str, **rules) -> Rollout:
    """Waves with targets that are called by a letter each."""
    return Rollout(waves=tuple(Wave(by="x", targets=tuple(names)) for names in waves), **rules)


RUNS = st.lists(st.lists(st.sampled_from([GOOD, BAD, AWAY, HELD]), max_size=5), min_size=1, max_size=4)


@given(RUNS, st.integers(1, 6), st.none() | st.integers(1, 4), st.sampled_from(Unreached))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_becomes_of_the_targets(runs, stop_after, stop_after_unreachable, unreachable):
    names = [[f"{number}-{place}" for place in range(len(wave))] for number, wave in enumerate(runs)]
    results = {name: each for row, wave in zip(names, runs, strict=True) for name, each in zip(row, wave, strict=True)}
    if unreachable is Unreached.ERROR:
        stop_after_unreachable = None
    rules = {"stop_after": stop_after, "stop_after_unreachable": stop_after_unreachable, "unreachable": unreachable}
    told = ran(rollout(*names, **rules), results)
    assert told.targets.keys() == results.keys()
    first = [name for place, name in enumerate(told.order) if name not in told.order[:place]]
    assert [name for name in first if isinstance(name, str)] == [name for row in names for name in row]
    for number, row in enumerate(names, 1):
        begun = [name for name in row if told.targets[name].result is not TargetResult.NOT_RUN]
        assert not begun or number == 1 or first.index(begun[0]) > first.index(number - 1)
    failures = (BAD, AWAY) if unreachable is Unreached.ERROR else (BAD,)
    failed = [name for name, each in told.targets.items() if each.result in failures]
    away = [name for name, each in told.targets.items() if each.result is AWAY]
    assert len(failed) <= stop_after
    assert stop_after_unreachable is None or len(away) <= stop_after_unreachable
    reasons = {each.not_run for each in told.targets.values()} - {None}
    assert len(reasons) <= 1
    stopped = [wave.stopped for wave in told.waves if wave.stopped]
    assert reasons <= {*stopped}
    assert [wave.number for wave in told.waves] == [*range(1, len(told.waves) + 1)]


CASES = {
    "all goes well": (rollout("ab", "c"), {"a": GOOD, "b": GOOD, "c": GOOD}, None),
    "failures count over all waves": (
        rollout("ab", "cd", "e", stop_after=2), {"a": BAD, "b": GOOD, "c": BAD, "d": GOOD, "e": GOOD}, NotRun.FAILURES
    ),
    "fewer than may fail": (
        rollout("ab", "cd", "e", stop_after=3), {"a": BAD, "b": GOOD, "c": BAD, "d": GOOD, "e": GOOD}, None
    ),
    "nothing succeeds": (rollout("ab", "e", stop_after=9), {"a": BAD, "b": BAD, "e": GOOD}, NotRun.NONE_APPLIED),
    "nothing answers": (
        rollout("ab", "e", unreachable=Unreached.SKIP), {"a": AWAY, "b": AWAY, "e": GOOD}, NotRun.NONE_APPLIED
    ),
    "nothing is approved": (rollout("ab", "e"), {"a": OPEN, "b": OPEN, "e": GOOD}, NotRun.NONE_APPLIED),
    "something is approved": (rollout("ab", "e"), {"a": OPEN, "b": GOOD, "e": GOOD}, None),
    "another apply is at work": (rollout("ab", "e"), {"a": HELD, "b": GOOD, "e": GOOD}, NotRun.HELD),
    "nobody is to be applied in a wave": (rollout("", "e"), {"e": GOOD}, None),
}  # fmt: skip


@pytest.mark.parametrize(("plan", "results", "why"), CASES.values(), ids=CASES)
def test_what_ends_a_run(plan, results, why):
    told = ran(plan, results)
    assert told.targets["e" if "e" in results else "c"].not_run is why


@pytest.mark.parametrize("what", ["bake", "checks"])
def test_what_comes_between_two_waves_may_end_a_run(what):
    waves = (Wave(by="x", targets=("a",), bake=5, checks=True), Wave(by="y", targets=("b",), checks=True))
    why = {"bake": NotRun.INTERRUPTED, "checks": NotRun.CHECKS}[what]
    told = ran(Rollout(waves=waves), {"a": GOOD, "b": GOOD}, **{what: why})
    assert told.targets["b"].not_run is why
    assert [wave.stopped for wave in told.waves] == [why]
    told = ran(Rollout(waves=waves), {"a": GOOD, "b": GOOD})
    assert [(wave.stopped, wave.checks) for wave in told.waves] == [(None, CheckVerdict.MET)] * 2


def baked(ended: datetime | None, now: datetime, *, interrupted: bool = True) -> tuple[NotRun | None, list[datetime]]:
    """What a bake of one hour comes to at `now`, and until when it is told to wait. Interrupted, it does not wait."""
    tally = Tally(rollout("a"), lambda: interrupted)
    tally.enter("a", receipt(GOOD, ended))
    until: list[datetime] = []
    wait = Baking(tally=tally, now=lambda: now, tell=lambda number, at: until.append(at))
    return wait(1, Wave(by="x", bake=3600, targets=("a",))), until


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ended", "now", "until"),
    [
        (None, NOW, None),
        (NOW - HOUR, NOW, None),
        (NOW - 3 * HOUR, NOW, None),
        (NOW, NOW, NOW + HOUR),
        (NOW - HOUR / 4, NOW, NOW + HOUR * 3 / 4),
        (NOW + 5 * HOUR, NOW, NOW + HOUR),  # by a clock that was wrong
    ],
)
def test_a_wave_bakes_behind_its_last_change_and_nobody_waits_for_longer(ended, now, until):
    assert baked(ended, now) == ((NotRun.INTERRUPTED, [until]) if until else (None, []))


DIGEST = "f" * 64
THREE = rollout("ad", "b", "c")


def run(number: int, waves: list[WaveReceipt], *, ended: bool = False, at: datetime = NOW, **results) -> FleetReceipt:
    return FleetReceipt(
        reconciler_version="1.0", run=f"{at:%H%M%S}-{number}", fleet_digest=DIGEST, shard=Shard(number=number, of=2),
        started_at=at, finished_at=at, targets={name: receipt(each) for name, each in results.items()},
        waves=tuple(waves), complete=ended,
        succeeded=ended and all(each is GOOD for each in results.values()) and not any(each.stopped for each in waves),
    )  # fmt: skip


PASSED, ENDED = WaveReceipt(number=1), WaveReceipt(number=1, stopped=NotRun.CHECKS)
EARLIER = NOW - HOUR

SHARDS = {
    "it is at the end of the wave": ([run(1, [PASSED], b=GOOD)], None),
    "it is further": ([run(1, [PASSED, WaveReceipt(number=2)], b=GOOD)], None),
    "nobody has started it": ([], NotRun.SHARDS),
    "it is at work": ([run(1, [])], NotRun.SHARDS),
    "it stopped there": ([run(1, [ENDED], ended=True, b=GOOD)], NotRun.SHARDS),
    "it ended before, with nothing left to do": ([run(1, [], ended=True, at=EARLIER, c=GOOD)], None),
    "it ended before, and its wave was not run": (
        [run(1, [], ended=True, at=EARLIER, a=TargetResult.NOT_RUN)], NotRun.SHARDS
    ),
    "its last run counts": ([run(1, [PASSED], at=EARLIER), run(1, [])], NotRun.SHARDS),
    "its last run counts, wherever it stands": ([run(1, [PASSED]), run(1, [], at=EARLIER)], None),
    "a run of other plans": ([run(1, [PASSED]).model_copy(update={"fleet_digest": "0" * 64})], NotRun.SHARDS),
    "a run that was divided otherwise": (
        [run(1, [PASSED]).model_copy(update={"shard": Shard(number=1, of=3)})], NotRun.SHARDS
    ),
    "a shard that cannot be": (
        [run(1, [PASSED], a=BAD, b=BAD).model_copy(update={"shard": Shard(number=2, of=2)})], NotRun.SHARDS
    ),
    "its failures count": ([run(1, [PASSED], a=BAD, b=BAD)], NotRun.FAILURES),
    "another apply is at work there": ([run(1, [PASSED], a=HELD)], NotRun.HELD),
    "nothing of the wave was applied there": ([run(1, [PASSED], a=BAD)], NotRun.NONE_APPLIED),
    "it failed before, in a wave behind": ([run(1, [PASSED], ended=True, at=EARLIER, a=GOOD, b=BAD, c=BAD)], None),
    "a failure before is borne": ([run(1, [PASSED], ended=True, at=EARLIER, a=GOOD, d=BAD)], None),
}  # fmt: skip


@pytest.mark.parametrize(("others", "why"), SHARDS.values(), ids=SHARDS)
def test_what_a_shard_makes_of_another(tmp_path, others, why):
    for each in others:
        (tmp_path / each.run).mkdir()
        fleet_receipt.write(each, tmp_path / each.run / "run.json")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    plan = THREE.model_copy(update={"stop_after": 2})
    wait = Waiting(
        folder=tmp_path, digest=DIGEST, rollout=plan, shard=Shard(number=0, of=2), began=NOW, patience=timedelta(),
        tally=Tally(plan, lambda: False), tell=lambda number, shards: None,
    )  # fmt: skip
    assert wait(1, plan.waves[0]) is why


@pytest.mark.parametrize("against", [HELD, BAD, AWAY], ids=str)
def test_what_was_against_it_before_a_shard_began_may_be_put_right(tmp_path, monkeypatch, against):
    """All shards are resumed, and this one is the first: it waits for what the others make of it by now."""
    monkeypatch.setattr("reconciler.fleet.waves.shards.LOOK", 0)
    runs = [run(1, [PASSED], ended=True, at=EARLIER, a=against)]

    def write() -> None:
        (tmp_path / runs[-1].run).mkdir()
        fleet_receipt.write(runs[-1], tmp_path / runs[-1].run / "run.json")

    def tell(number: int, shards: list[str]) -> None:
        told.append(shards)
        runs.append(run(1, [PASSED], at=NOW + HOUR, a=GOOD))
        write()

    write()
    told: list[list[str]] = []
    wait = Waiting(
        folder=tmp_path, digest=DIGEST, rollout=THREE, shard=Shard(number=0, of=2), began=NOW, patience=HOUR,
        tally=Tally(THREE, lambda: False), tell=tell,
    )  # fmt: skip
    assert wait(1, THREE.waves[0]) is None
    assert told == [["1/2"]]


def test_a_shard_waits_while_a_wave_bakes_at_another(tmp_path, monkeypatch):
    """It had nothing to do in that wave itself, and so nothing to bake."""
    monkeypatch.setattr("reconciler.fleet.waves.shards.LOOK", 0)
    looks, told = iter([False] * 9), []
    plan = Rollout(waves=(Wave(by="x", bake=3600, targets=("a",)), Wave(by="y", targets=("b",))))
    wait = Waiting(
        folder=tmp_path, digest=DIGEST, rollout=plan, shard=Shard(number=0, of=2), began=NOW, patience=timedelta(),
        tally=Tally(plan, lambda: next(looks, True)), tell=lambda number, shards: told.append(shards),
    )  # fmt: skip
    assert wait(1, plan.waves[0]) is NotRun.INTERRUPTED
    assert told == [["1/2"]]


def test_a_shard_that_waits_reads_receipts_of_other_plans_once(tmp_path, monkeypatch):
    """The folder may hold those of years, and is looked into every two seconds."""
    other, mine = (run(1, [], at=at) for at in (EARLIER, NOW))
    for each in (other.model_copy(update={"fleet_digest": "0" * 64}), mine):
        (tmp_path / each.run).mkdir()
        fleet_receipt.write(each, tmp_path / each.run / "run.json")
    looks = iter([False] * 9)
    reads: list[str] = []
    read = fleet_receipt.read
    monkeypatch.setattr("reconciler.fleet.waves.shards.LOOK", 0)
    monkeypatch.setattr(fleet_receipt, "read", lambda path: reads.append(path.parent.name) or read(path))
    wait = Waiting(
        folder=tmp_path, digest=DIGEST, rollout=THREE, shard=Shard(number=0, of=2), began=NOW, patience=HOUR,
        tally=Tally(THREE, lambda: next(looks, True)), tell=lambda number, shards: None,
    )  # fmt: skip
    assert wait(1, THREE.waves[0]) is NotRun.INTERRUPTED
    assert reads.count(other.run) == 1 < reads.count(mine.run)


def test_the_receipt_of_a_run_in_waves_is_read_as_it_was_written():
    failing = WaveReceipt(
        number=2, stopped=NotRun.CHECKS, checks=CheckVerdict.FAILED, failing=(Address("a", "check", "x"),)
    )
    made = run(0, [PASSED, failing], ended=True, a=GOOD)
    assert fleet_receipt.load(fleet_receipt.dump(made), source="run.json") == made
    lies = made.model_copy(update={"succeeded": True})
    with pytest.raises(DocumentError, match="contradicts itself"):
        fleet_receipt.load(fleet_receipt.dump(lies), source="run.json")
