"""Documents of defaults: what overrides them, what does not, and what is told of it."""

from __future__ import annotations

import pytest
from desired.reading import load_files, load_refused

from reconciler.kinds.registry import KINDS

TARGETS = """\
targets:
  prod: {postgres: host=a, labels: {env: prod}}
  test: {postgres: host=b, labels: {env: test}}
"""
SHARED = """\
target: {where: "env in (prod, test)"}
defaults: true
settings: {work_mem: 64MB, random_page_cost: 1.1}
tables: {public.t: {indexes: {a_idx: {columns: [a]}, b_idx: {columns: [b]}}}}
"""
OWN = "target: test\nsettings: {work_mem: 4MB}\n"


def loaded(tmp_path, **files):
    return load_files(tmp_path, {f"{name}.yaml": text for name, text in files.items()}, kinds=KINDS)


def values(found):
    return {str(each.address): each.value for each in found.resources if hasattr(each, "value")}


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["before", "behind"])
def test_a_default_is_overridden_where_another_document_declares_the_same(tmp_path, names):
    shared, own = names
    found = loaded(tmp_path, targets=TARGETS, **{shared: SHARED, own: OWN})
    assert values(found) == {
        "prod/pg_setting/work_mem": "64MB",
        "prod/pg_setting/random_page_cost": "1.1",
        "test/pg_setting/work_mem": "4MB",
        "test/pg_setting/random_page_cost": "1.1",
    }
    places = {str(address): at for address, at in found.overridden.items()}
    assert places == {"test/pg_setting/work_mem": (f"{tmp_path}/{shared}.yaml:3:12",)}


@pytest.mark.parametrize("rank", ["", "defaults: yes\n"], ids=["no defaults", "defaults"])
def test_two_of_equal_rank_stay_an_error_with_both_places(tmp_path, rank):
    files = {"t.yaml": TARGETS, "a.yaml": OWN + rank, "b.yaml": OWN + rank}
    assert load_refused(tmp_path, files, kinds=KINDS) == (
        "b.yaml:2:12: test/pg_setting/work_mem is declared twice; the first one is at a.yaml:2:12\n  remove one of them"
    )


def test_two_defaults_are_both_overridden(tmp_path):
    found = loaded(tmp_path, t=TARGETS, a=OWN + "defaults: true\n", b=OWN + "defaults: true\n", c=OWN)
    [(_, places)] = found.overridden.items()
    assert [place.removeprefix(f"{tmp_path}/") for place in places] == ["a.yaml:2:12", "b.yaml:2:12"]


def test_the_indexes_that_a_default_lists_stay_listed_where_another_document_overrides_one(tmp_path):
    own = "target: test\ntables: {public.t: {unlisted_indexes: drop, indexes: {a_idx: {columns: [c]}}}}\n"
    found = loaded(tmp_path, t=TARGETS, a=SHARED, b=own)
    indexes = {str(each.address): each for each in found.resources if each.address.kind == "pg_index"}
    assert set(indexes["test/pg_index/public.t.*"].listed) == {"a_idx", "b_idx"}
    assert indexes["test/pg_index/public.t.*"].policy == "drop"
    assert indexes["prod/pg_index/public.t.*"].policy == "keep"
    assert "test/pg_index/public.b_idx" in indexes
    assert indexes["test/pg_index/public.a_idx"].definition.keys[0].column == "c"


RULES = [
    ("tables: {{public.t: {{unlisted_indexes: {}, indexes: {{}}}}}}", "prod/pg_index/public.t.*"),
    ("unlisted_indexes: {{'*': {}, public.a: keep}}", "prod/pg_index/*"),
    ("unlisted_settings: {{'*': {}, work_mem: keep}}", "prod/pg_setting/*"),
]


@pytest.mark.parametrize(("section", "address"), RULES, ids=["a table", "indexes", "settings"])
def test_rules_about_what_nobody_lists_are_overridden_pattern_by_pattern(tmp_path, section, address):
    default = f"target: prod\ndefaults: on\n{section.format('report')}\n"
    own = section.format("drift").replace(", public.a: keep", "").replace(", work_mem: keep", "")
    found = loaded(tmp_path, t=TARGETS, a=default, b=f"target: prod\n{own}\n")
    [rule] = [each for each in found.resources if str(each.address) == address]
    if "public.t" in address:
        assert rule.policy == "drift"
    else:
        assert sorted(each.policy for each in rule.rules) == ["drift", "keep"]


def test_the_rules_about_users_are_overridden_as_well(tmp_path):
    targets = "targets: {cache: {redis: 'redis://a'}}\n"
    default = "target: cache\ndefaults: true\nunlisted_users: {'*': report, 'a*': keep}\n"
    found = loaded(tmp_path, t=targets, a=default, b="target: cache\nunlisted_users: drift\n")
    [rules] = found.resources
    assert {rule.pattern: str(rule.policy) for rule in rules.rules_of_unlisted} == {"*": "drift", "a*": "keep"}


@pytest.mark.parametrize("value", ["maybe", "[yes]", ""])
def test_defaults_is_yes_or_no(tmp_path, value):
    error = load_refused(tmp_path, {"t.yaml": TARGETS, "a.yaml": f"defaults: {value}\n{OWN}"}, kinds=KINDS)
    assert error == (
        "a.yaml:1:1: defaults: expected yes or no: whether other documents may override what this one declares"
    )


def test_what_is_declared_once_is_declared_for_targets_that_differ_as_if_it_were_for_each_alone(tmp_path):
    """`declare` is called once for targets that are alike: nothing of a resource but its address tells the target."""
    sections = (
        SHARED.partition("\n")[2]
        + "checklist: [{id: a, title: A, check: {attestation: {}}}]\nunlisted_settings: report\n"
    )
    sections = sections.replace("attestation: {}", "pg_setting: work_mem, equals: 64MB")
    together = loaded(tmp_path / "1", t=TARGETS, x=f"target: [prod, test]\n{sections}")
    apart = loaded(tmp_path / "1", x=f"target: prod\n{sections}---\ntarget: test\n{sections}")

    def plain(found):
        own = {"declared_at": "", "rules": (), "folder": ""}
        known = [each.model_copy(update={key: "" for key in own if hasattr(each, key)}) for each in found.resources]
        return {each.address: each for each in known}

    assert plain(together) == plain(apart)
    assert {address.target for address in plain(together)} == {"prod", "test"}
