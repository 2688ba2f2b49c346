"""`apply DIR --shard I/N` in waves: shards meet at the end of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from applying.acting import Command
from faults.scenes import Gate, statements
from pydantic import SecretStr
from waiting import PATIENCE, until

from fleet.rollouts import ALL, ROLLOUT, digest, expect_converged, results, runs
from reconciler.fleet import folder, shards
from reconciler.model import FleetReceipt, PostgresTarget


@pytest.fixture
def shard_of(databases) -> Callable[[str], str]:
    """The server has two names, and so there are two shards: acme and initech are of one, the others of the other."""
    urls = {
        name: url.replace("127.0.0.1", "localhost") if name in ("acme", "initech") else url
        for name, url in databases.urls.items()
    }
    databases.declare(**urls)
    targets = {name: PostgresTarget(name=name, url=SecretStr(url)) for name, url in urls.items()}
    of = next(of for of in range(2, 50) if shards.number(targets["acme"], of) != shards.number(targets["globex"], of))
    return lambda name: f"{shards.number(targets[name], of)}/{of}"


def others_of(shard: str) -> list[str]:
    number, _, of = shard.partition("/")
    return [f"{each}/{of}" for each in range(int(of)) if each != int(number)]


def test_a_shard_waits_for_the_others_at_the_end_of_a_wave(plans, databases, shard_of, reconciler, tmp_path):
    """One that has nothing to do in the first wave does not begin the second one before it is done."""
    made, receipts = plans(), tmp_path / "receipts"
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    code, out, err = reconciler("apply", made, "--digest", digest(made), "--shard", shard_of("acme"))
    assert (code, out) == (1, "")
    assert "a shard knows by their receipts alone how far the others are" in err
    [statement] = statements(folder.read_plan(made, folder.read(made), "acme"))
    command = Command(databases.desired, {})
    gate = Gate(databases.urls["acme"])
    with gate.closed(statement):
        started = [command.start(*arguments, "--shard", each) for each in others_of(shard_of("acme"))]
        started.append(command.start(*arguments, "--shard", shard_of("acme")))
        until(gate.arrived, "the first wave is being made")
        until(lambda: len(waves_passed(receipts, 1)) == len(started) - 1, "all others are at the end of it")
        assert databases.built() == {}
    for each in started:
        out, err = each.communicate(timeout=PATIENCE)
        assert each.returncode == 0, out + err
    found: dict[str, str] = {}
    for run in results(receipts):
        found |= run
    assert found == dict.fromkeys(ALL, "applied")
    ends = {name: each.ended_at for run in runs(receipts) for name, each in run.targets.items()}
    assert ends["acme"] < min(ends["globex"], ends["initech"]) < max(ends["globex"], ends["initech"]) < ends["umbrella"]
    expect_converged(reconciler)


def waves_passed(receipts: Path, number: int) -> list[FleetReceipt]:
    """The runs that came to the end of a wave."""
    return [run for run in runs(receipts) if any(wave.number == number for wave in run.waves)]


def test_a_shard_that_waits_in_vain_stops_and_is_resumed(plans, databases, shard_of, reconciler, tmp_path):
    made, receipts = plans(), tmp_path / "receipts"
    mine = ("apply", made, "--digest", digest(made), "--receipt", receipts, "--shard")
    code, out, err = reconciler(*mine, shard_of("acme"), "--wait", "0s")
    assert code == 1
    assert results(receipts) == [{"acme": "applied", "initech": "not-run: shards"}]
    assert "initech: not run: other shards have not come to the end of the wave before" in out
    for each in others_of(shard_of("acme")):  # the first shard has ended by now, and its first wave counts
        reconciler(*mine, each, "--wait", "0s")
    assert not {"initech", "umbrella"} & set(databases.built())
    command = Command(databases.desired, {})
    started = [command.start(*mine, each, "--resume") for each in (shard_of("acme"), *others_of(shard_of("acme")))]
    for each in started:
        out, err = each.communicate(timeout=PATIENCE)
        assert each.returncode == 0, out + err
    expect_converged(reconciler)


def test_failures_of_other_shards_count(plans, databases, shard_of, reconciler, tmp_path):
    made, receipts = plans(ROLLOUT + "  stop_after: 2\n"), tmp_path / "receipts"
    for name in ("globex", "initech"):
        databases.sql(name, "drop table tasks")
    command = Command(databases.desired, {})
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts, "--shard")
    started = [command.start(*arguments, each) for each in (shard_of("acme"), *others_of(shard_of("acme")))]
    codes = [each.wait(timeout=PATIENCE) for each in started]
    found: dict[str, str] = {}
    for run in results(receipts):
        found |= run
    assert found.pop("umbrella") in ("not-run: failures", "not-run: shards", "not-run: none-applied")
    assert found == {"acme": "applied", "globex": "failed", "initech": "failed"}
    assert 1 in codes
    for name in ("globex", "initech"):
        databases.sql(name, "create table tasks (id bigint primary key, status text, priority int, title text)")
    started = [command.start(*arguments, each, "--resume") for each in (shard_of("acme"), *others_of(shard_of("acme")))]
    assert {each.wait(timeout=PATIENCE) for each in started} == {0}
    expect_converged(reconciler)
