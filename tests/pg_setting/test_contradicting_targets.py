"""What many databases of one server want of one setting, where they do not agree."""

from __future__ import annotations

from reconciler.kind import NodeOutcomes
from reconciler.kinds.pg_setting.cluster.contradicting_targets import agreed
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.model import Action, Address, Change, SqlStep, System, TargetInfo

INFO = TargetInfo(system=System.POSTGRES, product="PostgreSQL", version="18.6", location="x")


def change(target: str, value: str) -> Change:
    return Change(
        address=Address(target, "pg_setting", "work_mem"), action=Action.UPDATE, before={"value": "4MB"},
        after={"value": value}, steps=(SqlStep(statements=(f"alter system set work_mem = '{value}'",)),), desired={},
    )  # fmt: skip


def setting(target: str, value: str, at: str) -> PgSetting:
    return PgSetting(address=Address(target, "pg_setting", "work_mem"), setting="work_mem", value=value, declared_at=at)


def test_the_same_is_said_to_all_of_them_and_once_of_those_that_agree():
    """Seen to fail: each was told of every other one by name, so that of fifty databases none could be told as one."""
    wanted = {f"t{number}": ("16MB", "all.yaml:1:1") for number in range(1, 6)} | {"own": ("8MB", "own.yaml:2:1")}
    found = agreed(
        {name: NodeOutcomes(INFO, (change(name, value),)) for name, (value, _) in wanted.items()},
        {name: [setting(name, value, at)] for name, (value, at) in wanted.items()},
    )
    told = {notice.message for outcomes in found.values() for notice in outcomes}
    assert told == {
        "on one server t1, t2, t3 and 2 more want 16MB (all.yaml:1:1), own wants 8MB (own.yaml:2:1): declare it for one"
    }
    assert [len(outcomes) for outcomes in found.values()] == [1] * 6
