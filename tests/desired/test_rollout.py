"""`rollout`: which target is in which wave, and what is no rollout."""

from __future__ import annotations

from decimal import Decimal

import pytest
from desired.reading import load_files, load_refused
from desired.test_schema import SCHEMA, VALIDATOR
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.exceptions import ValidationError

from reconciler.allow_lists import Reach
from reconciler.desired.load import load
from reconciler.desired.rollout.section import WaveSection
from reconciler.desired.rollout.waves import divided
from reconciler.errors import DesiredError
from reconciler.model import Unreached
from reconciler.secrets import Secrets

TARGETS = """\
targets:
  a: {postgres: host=a, labels: {tier: canary}}
  b: {postgres: host=b, labels: {tier: gold}}
  c: {postgres: host=c, labels: {tier: gold}}
"""

ROLLOUT = """\
rollout:
  waves: [{where: "tier = canary", bake: 30m, checks: pass}, {share: 25%}, {share: 100%}]
  at_once: 32
  stop_after: 5
  stop_after_unreachable: 3
  unreachable: later
"""

NAMES = st.lists(st.text("abcdefgh0123456789-", min_size=1, max_size=6), unique=True, min_size=1, max_size=40)
SHARES = st.lists(st.integers(1, 99), unique=True, max_size=4).map(sorted)


def shares(percents: list[int]) -> list[WaveSection]:
    return [WaveSection.model_validate({"share": f"{each}%"}) for each in (*percents, 100)]


def wave_of(waves: list[tuple[str, ...]]) -> dict[str, int]:
    return {name: number for number, names in enumerate(waves) for name in names}


@given(NAMES, SHARES)
@settings(deadline=None)
def test_each_target_is_in_one_wave_and_shares_are_of_all_of_them(names, percents):
    *waves, rest = divided(shares(percents), {name: {"name": name} for name in names})
    assert rest == ()
    assert sorted(name for wave in waves for name in wave) == sorted(names)
    done = 0
    for percent, wave in zip([*percents, 100], waves, strict=True):
        done += len(wave)
        assert done == -(-len(names) * percent // 100), "rounded up"


@given(NAMES, SHARES)
@settings(deadline=None)
def test_one_target_more_moves_at_most_one_other_across_each_border(names, percents):
    before = wave_of(divided(shares(percents), {name: {"name": name} for name in names[:-1]}))
    after = wave_of(divided(shares(percents), {name: {"name": name} for name in names}))
    moved = [(before[name], after[name]) for name in before if before[name] != after[name]]
    borders = [border for old, new in moved for border in range(min(old, new), max(old, new))]
    assert len(borders) == len({*borders})


def test_a_target_is_in_the_first_wave_that_fits():
    waves = [
        WaveSection.model_validate(each)
        for each in ({"share": "50%"}, {"where": "tier = gold"}, {"where": "name ~ *"}, {"share": "100%"})
    ]
    names = {name: {"name": name, "tier": "gold" if name in "abcd" else "trial"} for name in "abcdefgh"}
    first, second, third, last, rest = divided(waves, names)
    assert len(first) == 4
    assert {*second} == {*"abcd"} - {*first}
    assert {*third} == {*"efgh"} - {*first}
    assert (last, rest) == ((), ())


def test_a_rollout_is_read_and_resolved(tmp_path):
    desired = load_files(tmp_path, {"a.yaml": f"{TARGETS}---\n{ROLLOUT}"})
    section = desired.rollout.section
    assert [(each.by, each.bake, each.checks) for each in section.waves] == [
        ("where tier = canary", 1800, "pass"), ("share 25%", 0, None), ("share 100%", 0, None)
    ]  # fmt: skip
    assert desired.rollout.at.endswith("a.yaml:6:1")
    rollout = desired.rollout.over(desired.targets)
    assert (rollout.at_once, rollout.stop_after, rollout.stop_after_unreachable) == (32, 5, 3)
    assert rollout.unreachable is Unreached.LATER
    assert [each.targets for each in rollout.waves] == [("a",), ("c",), ("b",)]
    assert (rollout.waves[0].bake, rollout.waves[0].checks) == (1800, True)
    alone = desired.rollout.over({"b": desired.targets["b"]})
    assert [each.targets for each in alone.waves] == [(), ("b",), ()], "a plan of fewer targets is divided by itself"


def test_nothing_but_waves_has_to_be_said_and_one_failure_ends_it(tmp_path):
    section = load_files(tmp_path, {"a.yaml": f"{TARGETS}---\nrollout: {{waves: [{{share: 0.5%}}, {{share: 100%}}]}}"})
    section = section.rollout.section
    assert section.waves[0].share == Decimal("0.5")
    assert (section.stop_after, section.stop_after_unreachable, section.at_once) == (1, None, None)
    assert section.unreachable is Unreached.ERROR


REFUSED = {
    "{waves: [{share: 25%}]}": "a.yaml:6:1: rollout: no wave takes a, b\n  let the last one be: {share: 100%}",
    "{waves: [{share: 0%}]}": "a.yaml:6:27: share: expected a share of all targets, above 0% and up to 100%, like",
    "{waves: [{share: 101%}]}": "a.yaml:6:27: share: expected a share of all targets, above 0% and up to 100%, like",
    "{waves: [{share: 25}]}": "a.yaml:6:27: share: expected a share of all targets, above 0% and up to 100%, like",
    "{waves: []}": "a.yaml:6:11: waves: list should have at least 1 item",
    "{waves: [{where: tier = x}, {share: 100%}]}": "a.yaml:6:20: where: no target is selected\n"
    '  of the targets that are declared, tier is "canary", "gold"',
    "{waves: [{where: teir = x}, {share: 100%}]}": 'a.yaml:6:20: where: unknown label "teir"; did you mean "tier"?',
    "{waves: [{where: tier =}, {share: 100%}]}": "a.yaml:6:20: where: a value is missing behind 'tier ='",
    "{waves: [{share: 100%, bake: -5m}]}": "a.yaml:6:39: bake: expected a duration, like 90s, 30m or 2h",
    "{waves: [{share: 100%, bake: 8d}]}": "a.yaml:6:39: bake: nobody waits longer than 7d for a wave to bake",
    "{waves: [{share: 100%, checks: maybe}]}": 'a.yaml:6:41: checks: expected pass, not "maybe"',
    "{waves: [{share: 100%, chekcs: pass}]}": 'a.yaml:6:33: unknown key "chekcs"; did you mean "checks"?',
    "{waves: [{share: 100%}], stop: 5}": 'a.yaml:6:35: unknown key "stop"',
    "{waves: [{share: 100%}], stop_after: 0}": "a.yaml:6:47: stop_after: the value should be greater than",
    "{waves: [{share: 100%}], at_once: 1000}": "a.yaml:6:44: at_once: the value should be less than or equal to 256",
    "{waves: [{share: 100%}], unreachable: never}": "a.yaml:6:48: unreachable: expected error, later or skip, not",
    "{waves: [{share: 100%}], stop_after_unreachable: 3}": "stop_after_unreachable is for later and skip",
    "{waves: [{share: 50%}, {share: 50%}]}": "wave 2 has the share 50%, and an earlier one 50%",
    "{waves: [{share: 100%}, {where: tier = gold}]}": "wave 2 is behind one of 100%, which leaves no target for it",
    "{waves: [{}]}": "a.yaml:6:19: waves: a wave has exactly one of `where` and `share`",
    "{waves: [{share: 10%, where: tier = gold}]}": "waves: a wave has exactly one of `where` and `share`",
    "": "a.yaml:6:1: rollout: expected a mapping {key: value}, not nothing",
}


@pytest.mark.parametrize(("rollout", "said"), REFUSED.items(), ids=[*REFUSED])
def test_what_is_no_rollout_is_said_with_its_place(tmp_path, rollout, said):
    assert said in load_refused(tmp_path, {"a.yaml": f"{TARGETS}---\nrollout: {rollout}\n"})


def test_there_is_one_rollout(tmp_path):
    one = "rollout: {waves: [{share: 100%}]}\n"
    found = load_refused(tmp_path, {"a.yaml": f"{TARGETS}---\n{one}", "b.yaml": one})
    assert found == "b.yaml:1:1: a rollout is declared twice; the first one is at a.yaml:6:1\n  remove one of them"


def test_a_password_in_it_is_refused(tmp_path):
    env = {"DATABASE_URL": "postgresql://app:hunter2@db1/app"}
    files = {
        "a.yaml": TARGETS.replace("host=a", '"${DATABASE_URL}"') + '---\nrollout: {waves: [{where: "name != hunter2"}]}'
    }
    assert "a password that is known is in this text" in load_refused(tmp_path, files, env=env)


def test_the_file_of_targets_may_hold_it(tmp_path):
    targets, folder = tmp_path / "targets.yaml", tmp_path / "desired"
    folder.mkdir()
    targets.write_text(f"{TARGETS}---\n{ROLLOUT}")
    secrets = Secrets({}, Reach(targets=targets))
    assert load(folder, (), {}, secrets).rollout.at == f"{targets}:6:1"
    (folder / "b.yaml").write_text(ROLLOUT)
    with pytest.raises(DesiredError, match="a rollout is declared twice"):
        load(folder, (), {}, secrets)


def test_targets_that_are_not_seen_here_may_be_in_any_wave(tmp_path):
    targets, folder = tmp_path / "targets.yaml", tmp_path / "desired"
    folder.mkdir()
    targets.write_text(
        "targets:\n  rows: {each: {command: [inventory]}, postgres: '${url}', labels: {tier: '${tier}'}}\n---\n"
        "rollout: {waves: [{where: tier = canary}, {where: tier = gold}]}\n"
    )
    assert load(folder, (), {}, Secrets({}, Reach(targets=targets)), offline=True).rollout is not None


def test_the_schema_knows_it():
    good = {"waves": [{"where": "tier = canary", "bake": "30m", "checks": "pass"}, {"share": "100%"}], "at_once": 32}
    VALIDATOR.validate({"rollout": good})
    assert "rollout" in SCHEMA["properties"]
    for wrong in ({}, {"waves": [{"share": "1%", "where": "a = b"}]}, {"waves": [{}]}, {"waves": [], "x": 1}):
        with pytest.raises(ValidationError):
            VALIDATOR.validate({"rollout": wrong})
