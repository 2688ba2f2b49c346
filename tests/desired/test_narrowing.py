"""What a run is about: names, patterns, labels and addresses, and what selects nothing."""

from __future__ import annotations

import pytest
from desired.reading import load_files

from reconciler.desired.narrowing import EVERYTHING, parse
from reconciler.errors import UsageError
from reconciler.model import Address

FILES = {
    "targets.yaml": """\
targets:
  tenant-1: {postgres: "host=a password=${ONE:-}", labels: {env: prod, tier: gold}}
  tenant-2: {postgres: host=b, labels: {env: prod, tier: trial}}
  tenant-3: {postgres: host=c, labels: {env: test}}
  main: {postgres: "host=d password=${MISSING}"}
  cache: {redis: "redis://e"}
"""
}

SELECTS = [
    ("tenant-2", "", {"tenant-2"}),
    ("tenant-*", "", {"tenant-1", "tenant-2", "tenant-3"}),
    ("tenant-1 cache", "", {"tenant-1", "cache"}),
    ("", "env = prod and tier != trial", {"tenant-1"}),
    ("tenant-*", "tier != trial", {"tenant-1", "tenant-3"}),
    ("", "system = redis", {"cache"}),
    ("*-2/pg_index/public.tasks_* cache", "", {"tenant-2", "cache"}),
    ("*/pg_index/public.tasks_*", "env = test", {"tenant-3"}),
    ("c*", "name ~ *e", {"cache"}),
]


@pytest.mark.parametrize(("words", "where", "names"), SELECTS)
def test_it_selects_targets_and_needs_no_variable_of_the_others(tmp_path, words, where, names):
    """`main`, whose variable is missing, is in none of these."""
    assert {*load_files(tmp_path, FILES, only=parse(words.split(), where or None)).targets} == names


def test_all_that_is_declared_of_a_target_is_loaded_for_one_resource_of_it(tmp_path):
    files = FILES | {"x.yaml": "target: tenant-1\nsettings: {work_mem: 64MB, jit: off}\n"}
    only = parse(["tenant-1/pg_setting/jit"])
    found = load_files(tmp_path, files, only=only)
    assert (len(found.resources), found.only) == (2, only)


REFUSED = [
    ("tenant-l", None, 'unknown target "tenant-l"; did you mean "tenant-'),
    ("tennant-*", None, 'unknown target "tennant-*"; did you mean "tenant-'),
    ("tenant-1 mian", None, 'unknown target "mian"; did you mean "main"?'),
    ("mian/pg_setting/jit", None, 'unknown target "mian"; did you mean "main"?'),
    ("main.pg_setting.jit", None, "an address is TARGET/KIND/NAME, with slashes"),
    ("tenant-1/pg_settings/jit", None, 'unknown kind "pg_settings"; did you mean "pg_setting"?'),
    ("tenant-1/pg_setting", None, "'tenant-1/pg_setting' is not an address: expected target/kind/name"),
    ("tenant-1//jit", None, "is not an address"),
    ("main@db2/pg_setting/jit", None, '"main@db2" is a node, and planned with all of its target'),
    ("tenant-1@db2", None, "  name tenant-1"),
    ("", "envv = prod", '--where: unknown label "envv"; did you mean "env"?'),
    ("", "env = production", "--where: no target is selected\n  of the targets that are declared, env is"),
    ("tenant-3", "env = prod", "--where: no target of tenant-3 is selected"),
    ("", "env prod", "--where: one of = != ~, `in` or `not in` is missing behind 'env'"),
    ("", "", "--where: the name of a label is missing"),
]


@pytest.mark.parametrize(("words", "where", "message"), REFUSED)
def test_what_selects_nothing_is_refused_with_what_is_near(tmp_path, words, where, message):
    with pytest.raises(UsageError) as refused:
        load_files(tmp_path, FILES, only=parse(words.split(), where))
    assert message in str(refused.value)


def test_an_error_of_the_yaml_comes_first(tmp_path):
    """A target that is declared wrongly may be the one that is asked for."""
    files = {"targets.yaml": FILES["targets.yaml"] + "  broken: {postgers: host=a}\n"}
    with pytest.raises(Exception, match="postgers"):
        load_files(tmp_path, files, only=parse(["borken"]))


def test_a_whole_target_is_not_narrowed_by_a_part_of_it():
    only = parse(["main", "*/pg_index/public.tasks_*"])
    assert (only.is_whole("main"), only.is_whole("other")) == (True, False)
    assert only.holds(Address("main", "pg_setting", "jit"), "main")
    assert only.holds(Address("other", "pg_index", "public.tasks_idx"), "other")
    assert not only.holds(Address("other", "pg_index", "public.other_idx"), "other")


def test_what_is_said_of_a_target_holds_for_its_nodes():
    only = parse(["main/pg_setting/max_*"])
    assert only.holds(Address("main@db2", "pg_setting", "max_connections"), "main")
    assert not only.holds(Address("main@db2", "pg_setting", "jit"), "main")


def test_nothing_is_everything():
    assert parse([]) == EVERYTHING
    assert EVERYTHING.is_whole("main")


def test_a_kind_that_no_target_has_is_told_as_such():
    """Before: `unknown name "*"`, with nothing to choose from."""
    known = [(Address("main", "pg_setting", "jit"), "main")]
    with pytest.raises(UsageError, match=r"m\*/redis_setting/\*: no target that m\* fits has any redis_setting"):
        parse(["m*/redis_setting/*"]).check_found(known, ())
    with pytest.raises(UsageError, match='unknown name "jti"; did you mean "jit"'):
        parse(["m*/pg_setting/jti"]).check_found(known, ())
