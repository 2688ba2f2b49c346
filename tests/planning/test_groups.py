"""What is equal on several targets, and what stands for it where it is approved."""

from __future__ import annotations

import pytest
from views.sample import CHANGES, FLEET, PLAN, TENANTS

from reconciler.documents.plan import seal
from reconciler.kinds.pg_index.model import Definition, Element, PgIndex
from reconciler.model import (
    Address,
    Change,
    ComesTrue,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Partial,
    Provenance,
    PulledIn,
    SqlStep,
)
from reconciler.planning.groups import Group, change_key, groups_of
from reconciler.reports.several import Several
from reconciler.views import FORMATS, render, render_checks, render_drift


def made(target: str, **more: object) -> Change:
    address = Address(target, "pg_setting", "work_mem")
    return Change.model_validate(
        {
            "address": address, "action": "update", "before": {"value": "4MB"}, "after": {"value": "64MB"},
            "summary": "4MB → 64MB", "steps": (SqlStep(statements=("alter system set work_mem = '64MB'",)),),
            "desired": {"address": str(address), "value": "64MB", "why": target, "declared_at": f"{target}.yaml:1:1"},
        }
        | more
    )  # fmt: skip


def hazardous(message: str, type: HazardType = HazardType.LESS_SAFE) -> dict[str, object]:
    hazard = Hazard(type=type, message=message)
    return {"steps": (SqlStep(statements=("alter system set work_mem = '64MB'",), hazards=(hazard,)),)}


SAID = {
    "the fingerprint of its own": {"fingerprint": "a"},
    "who may not run it": {"forbidden": "role x may not"},
    "why": {"why": "since"},
    "notes": {"notes": ("reload",)},
    "the place": {"declared_at": "x:1:1"},
}

RUNS = {
    "the state before": {"before": {"value": "8MB"}},
    "the state after": {"after": {"value": "32MB"}},
    "the action": {"action": "create"},
    "the steps": {"steps": ()},
    "a hazard": hazardous("x"),
    "the undo": {"undo": (SqlStep(statements=("alter system reset work_mem",)),)},
    "the inverse": {"inverse": (SqlStep(statements=("alter system reset work_mem",)),)},
    "the phase": {"phase": 3},
    "the lane": {"lane": "x"},
    "what is declared": {"desired": {"address": "a/pg_setting/work_mem", "value": "65MB"}},
    "the summary": {"summary": "4MB → 65MB"},
}


@pytest.mark.parametrize("more", SAID.values(), ids=SAID)
def test_what_is_only_said_parts_nothing(more):
    assert change_key(made("a", **more)) == change_key(made("b"))


@pytest.mark.parametrize("more", RUNS.values(), ids=RUNS)
def test_what_runs_and_what_it_comes_to_parts_them(more):
    assert change_key(made("a", **more)) != change_key(made("b"))


def test_the_words_of_a_hazard_part_nothing_and_its_type_does():
    assert change_key(made("a", **hazardous("1 scan"))) == change_key(made("b", **hazardous("2 scans")))
    other = hazardous("1 scan", HazardType.STOPS_SERVICE)
    assert change_key(made("a", **hazardous("1 scan"))) != change_key(made("b", **other))


def index(target: str, **beside: object) -> Change:
    """Of an index, with what planning has put `beside` it."""
    definition = Definition(keys=(Element(column="at"),))
    resource = PgIndex(
        address=Address(target, "pg_index", "public.at_idx"), schema_name="public", table="tasks", name="at_idx",
        definition=definition,
    )  # fmt: skip
    desired = resource.model_copy(update=beside).model_dump(mode="json")
    return made(target, address=resource.address, desired=desired)


BESIDE = {
    "other indexes of the table": {"listed": ("at_idx", "title_idx")},
    "what is declared absent there": {"absent": ("old_idx",)},
    "names that are taken": {"reserved": (("public", "x_idx"),)},
    "where names are looked up": {"search_path": ("app",)},
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_what_is_declared_beside_an_index_parts_nothing(beside):
    """The plan of each target holds it, and its fingerprint counts it: the group is about what runs here."""
    assert change_key(index("a", **beside)) == change_key(index("b"))


def test_what_is_declared_of_the_index_itself_parts_them():
    other = Definition(keys=(Element(column="at", descending=True),))
    assert change_key(index("a", definition=other)) != change_key(index("b"))


def test_what_is_declared_of_a_resource_that_cannot_be_read_parts_them():
    one, other = made("a", desired={"what": 1}), made("b", desired={"what": 2})
    assert change_key(one) != change_key(other)


def setting(target: str, source: str, *masks: str) -> Change:
    seen = Provenance(
        value="4MB", source="configuration file", place=source, masks=masks, comes_true=ComesTrue.RELOAD
    )  # fmt: skip
    notes = ("reload", f"{source} → postgresql.auto.conf", f"masks {', '.join(masks)}" if masks else "")
    return made(target, before={"value": "4MB", "source": source}, notes=tuple(filter(None, notes)), provenance=seen)


def test_the_line_of_a_file_parts_nothing_and_the_file_does():
    first = change_key(setting("a", "postgresql.conf:132", "a.conf:1"))
    assert change_key(setting("b", "postgresql.conf:134", "a.conf:12")) == first
    assert change_key(setting("b", "conf.d/ours.conf:132")) != first
    assert change_key(setting("b", "default")) != first


def test_where_a_value_stands_is_said_of_the_first_where_only_its_line_differs():
    lines = range(12, 12 + len(TENANTS))
    changes = [
        setting(name, f"postgresql.conf:{line}", f"postgresql.conf:1{line}")
        for name, line in zip(TENANTS, lines, strict=True)
    ]
    fleet = seal(FLEET.model_copy(update={"changes": tuple(changes), "notices": ()}))
    planned, drifted = (" ".join(out.split()) for out in (render(fleet), render_drift(fleet)))
    assert "tenant-002/" not in planned
    assert "reload; postgresql.conf:12 → postgresql.auto.conf (of tenant-001); masks postgresql.conf:112 (of" in planned
    assert "tenant-002/" not in drifted
    assert "from postgresql.conf:12, masking postgresql.conf:112; comes true by a reload (of tenant-001)" in drifted


def test_so_it_is_in_what_no_step_mends():
    notices = []
    for number, name in enumerate(TENANTS):
        seen = setting(name, f"postgresql.conf:{number}").provenance
        message = f"a line of postgresql.conf:{number} masks it"
        notices.append(
            Notice(
                address=Address(name, "pg_setting", "jit"), type=NoticeType.BLOCKED, message=message, provenance=seen
            )
        )
    out = " ".join(render(seal(FLEET.model_copy(update={"changes": (), "notices": tuple(notices)}))).split())
    assert "blocked: a line of postgresql.conf:0 masks it (of tenant-001)" in out
    assert "tenant-002/pg_setting" not in out


def test_the_name_and_the_kind_part_them():
    other = made("a").model_copy(update={"address": Address("a", "pg_setting", "jit")})
    assert change_key(other) != change_key(made("a"))


def test_a_digest_is_of_the_group_and_not_of_its_targets():
    [few] = groups_of([made("a"), made("b")])
    [more] = groups_of([made("c"), made("a"), made("d")])
    assert (few.digest, few.targets) == (more.digest, ("a", "b"))
    assert more.targets == ("c", "a", "d")
    [other] = groups_of([made("a", phase=1)])
    assert other.digest != few.digest


def test_every_change_is_in_one_group():
    found = groups_of(FLEET.changes)
    assert sorted(str(each.address) for group in found for each in group.changes) == sorted(
        str(each.address) for each in FLEET.changes
    )
    assert [len(each.targets) for each in found] == [12, 11, 1]
    assert all(isinstance(each, Group) for each in groups_of(CHANGES))


def test_evidence_and_notes_of_one_are_not_said_of_all():
    out = render(FLEET)
    assert "build time about 4 s (of tenant-001)" in out
    noted = [
        each.model_copy(update={"notes": ("reload",), "fingerprint": ""}) if not number else each
        for number, each in enumerate(FLEET.changes)
    ]
    out = render(seal(FLEET.model_copy(update={"changes": tuple(noted)})))
    assert "tenant-001/pg_index/public.tasks_queue_idx" in out
    assert "11 targets: tenant-002, tenant-003, tenant-004 and 8 more" in out


def test_words_of_hazards_that_differ_are_said_to_be_of_the_first():
    changes = [made(name, **hazardous(f"{number} scans")) for number, name in enumerate(TENANTS)]
    out = render(seal(FLEET.model_copy(update={"changes": tuple(changes)})))
    assert "needs --allow less-safe: 0 scans (of tenant-001)" in out
    assert "1 scans" not in out


@pytest.mark.parametrize("what", [render, render_drift, render_checks])
def test_of_three_targets_nothing_is_put_together(what):
    """A plan of the same three, of which a fourth is only declared and was not read, is of many."""
    few = {name: FLEET.targets[name] for name in TENANTS[:3]}

    def of(outcomes):
        return tuple(each for each in outcomes if each.address.target in few)

    less = FLEET.model_copy(
        update={
            "targets": few, "changes": of(FLEET.changes), "notices": of(FLEET.notices), "checks": of(FLEET.checks),
            "unreachable": (),
        }
    )  # fmt: skip
    assert "3 targets" not in what(less)
    assert "tenant-002/" in what(less)
    more = less.model_copy(update={"unreachable": FLEET.unreachable[:1]})
    assert "3 targets: tenant-001, tenant-002 and tenant-003" in what(more)
    assert "tenant-002/" not in what(more)


def test_programs_read_each_target_by_itself():
    for name in TENANTS:
        assert f"{name}/pg_index/public.tasks_queue_idx" in render(FLEET, "json")
        assert f"{name}/pg_index/public.tasks_queue_idx" in render(FLEET, "sql")
        assert name in render_checks(FLEET, "junit")
    assert "junit" in FORMATS["checks"]
    assert render(PLAN, "json")


def test_so_many_are_named():
    assert Several(("a", "b")).says == "2 targets: a and b"
    assert Several(("a", "b", "c", "d")).says == "4 targets: a, b, c and d"
    assert Several(("a", "b", "c", "d", "e")).says == "5 targets: a, b, c and 2 more"
    assert Several(("\x1b", "b")).named == r"\x1b and b"


def test_changes_that_nobody_asked_for_are_told_as_one_as_well():
    """Seen to fail: each named the change of its own target that leans on it."""
    changes = [made(name) for name in TENANTS]
    pulled_in = tuple(
        PulledIn(address=each.address, needed_by=each.address._replace(name="max_connections")) for each in changes
    )
    partial = Partial(to=("*/pg_setting/max_connections",), pulled_in=pulled_in)
    out = render(seal(FLEET.model_copy(update={"changes": tuple(changes), "partial": partial, "notices": ()})))
    assert "not asked for: pg_setting/max_connections leans on it" in out
    assert "tenant-002/" not in out
