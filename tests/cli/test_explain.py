"""Where something is declared, and which of several rules decides about what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from applying.acting import Command

FILES = {
    "targets.yaml": 'targets: {main: {postgres: "${NOT_SET}"}, cache: {redis: "${NOT_SET}"}}\n',
    "a.yaml": """target: main
unlisted_indexes: {"*": drift, public.log_*: keep}
unlisted_settings: {"*": report, log_*: keep}
tables:
  public.orders: {indexes: {orders_a: {columns: [a]}}}
""",
    "b.yaml": """target: main
unlisted_indexes: {public: report}
tables:
  public.orders: {unlisted_indexes: drop, indexes: {orders_b: {columns: [b]}}}
---
target: cache
unlisted_users: {"app-*": keep}
users: {bob: {rules: "on"}}
""",
    "c.yaml": """target: main
settings: {work_mem: 8MB}
databases: {app: {settings: {statement_timeout: 30s}}}
""",
}

CASES = [
    (
        "main/pg_setting/wrk_mem",
        ["no file declares it: report, by * at a.yaml:3:21", "  main/pg_setting/work_mem is declared, at c.yaml:2:12"],
        "a name that is nearly declared, of which it was not told",
    ),
    (
        "main/pg_setting/statement_timeout",
        [
            "no file declares it: report, by * at a.yaml:3:21",
            "  main/pg_setting/database app/statement_timeout is declared, at c.yaml:3:30",
        ],
        "a setting that is declared for a database alone, of which it was not told",
    ),
    ("main/pg_index/public.orders_b", ["declared at b.yaml:4:53"], "an index of the second document"),
    ("cache/redis_user/bob", ["declared at b.yaml:8:9"], "a user"),
    (
        "main/pg_index/public.orders.*",
        [
            "no file declares it: drop, by public.orders at b.yaml:4:19",
            "  and not report, by public.* at b.yaml:2:20",
            "  and not drift, by * at a.yaml:2:20",
        ],
        "the table's own word first, whichever document has it",
    ),
    ("main/pg_index/public.log_a.*", ["no file declares it: keep, by public.log_* at a.yaml:2:32"], "the closest"),
    ("main/pg_index/audit.log_a.*", ["no file declares it: drift, by * at a.yaml:2:20"], "another schema"),
    ("main/pg_setting/role bob/jit", ["no file declares it, and it is kept"], "the rules are of the instance"),
    (
        "main/pg_index/public.orders_idx",
        [
            "no file declares it, and its table decides: by the first of these that fits",
            "  drop, by public.orders at b.yaml:4:19",
            "  keep, by public.log_* at a.yaml:2:32",
            "  report, by public.* at b.yaml:2:20",
            "  drift, by * at a.yaml:2:20",
        ],
        "an index that nobody lists, whose table no file knows",
    ),
    (
        "main/pg_index/audit.orders_idx",
        [
            "no file declares it, and its table decides: by the first of these that fits",
            "  drift, by * at a.yaml:2:20",
        ],
        "one of another schema, of whose tables less is said",
    ),
    ("main/pg_setting/Work_Mem", ["no file declares it: report, by * at a.yaml:3:21"], "a setting, in any case"),
    ("cache/redis_user/default", ["no file declares it, and it is kept"], "every server has it"),
    ("cache/redis_user/eve", ["no file declares it, and it is kept"], "no rule fits"),
    ("cache/redis_user/app-1", ["no file declares it: keep, by app-* at b.yaml:7:18"], "a user"),
    ("cache/redis_setting/maxmemory", ["no file declares it, and it is kept"], "of what has no such rules"),
]  # fmt: skip


@pytest.fixture
def explain(tmp_path: Path):
    folder = tmp_path / "desired"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)

    def run(*addresses: str) -> tuple[int, str, str]:
        code, out, err = Command(folder, {}).run("explain", *addresses)
        return code, out.replace(f"{folder}/", ""), err

    return run


@pytest.mark.parametrize(("address", "lines", "reason"), CASES, ids=[each[2] + each[0] for each in CASES])
def test_what_decides_is_told(address, lines, reason, explain):
    code, out, err = explain(address)
    assert code == 0, err
    found = out.splitlines()
    assert found[: len(lines)] == [f"{address}: {lines[0]}", *lines[1:]], reason


def test_several_are_told_one_after_the_other(explain):
    _, out, _ = explain("cache/redis_user/bob", "main/pg_index/public.orders_a")
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "cache/redis_user/bob",
        "main/pg_index/public.orders_a",
    ]


WRONG = [
    ("orders", "is not an address: expected target/kind/name"),
    ("main/index/orders", "there is no kind index"),
    ("other/pg_index/orders", 'unknown target "other"'),
]


@pytest.mark.parametrize(("address", "said"), WRONG)
def test_what_is_no_address_is_refused(address, said, explain):
    code, _, err = explain(address)
    assert code == 1
    assert said in err


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "main/pg_index/public.orders",
            "that is a table, and an address is of an index\nhint: explain main/pg_index/public.orders.*",
        ),
        ("cache/pg_index/public.x.*", "cache is redis, and pg_index is of postgres"),
    ],
    ids=["a table", "a kind of another system"],
)
def test_what_cannot_be_told_is_an_error_with_the_way_out(address, said, explain):
    """Before, the name of an index, and that of a table, was refused alike, without a rule being told."""
    code, _, err = explain(address)
    assert code == 1
    assert all(line.removeprefix("hint: ") in err for line in said.splitlines()), err


OVERRIDDEN = {
    "targets.yaml": FILES["targets.yaml"].replace("main:", "replica: {postgres: host=x}, main:"),
    "defaults.yaml": """target: main
defaults: true
unlisted_indexes: {"*": report, public.log_*: keep, public.old: drop}
unlisted_settings: report
tables: {public.orders: {unlisted_indexes: drift, indexes: {orders_a: {columns: [a]}}}}
""",
    "own.yaml": """target: main
unlisted_indexes: {"*": drift, public.old: keep}
unlisted_settings: keep
tables: {public.orders: {unlisted_indexes: keep}}
""",
}

OF_DEFAULTS = [
    (
        "main/pg_index/public.old.*",
        [
            "no file declares it: keep, by public.old at own.yaml:2:32",
            "  and not drift, by * at own.yaml:2:20",
            "  and not drop, by public.old at defaults.yaml:3:53, which is a default",
            "  and not report, by * at defaults.yaml:3:20, which is a default",
        ],
    ),
    (
        "main/pg_index/public.log_a.*",
        [
            "no file declares it: keep, by public.log_* at defaults.yaml:3:33",
            "  and not drift, by * at own.yaml:2:20",
            "  and not report, by * at defaults.yaml:3:20, which is a default",
        ],
    ),
    (
        "main/pg_index/public.orders.*",
        [
            "no file declares it: keep, by public.orders at own.yaml:4:26",
            "  and not drift, by * at own.yaml:2:20",
            "  and not drift, by public.orders at defaults.yaml:5:26, which is a default",
            "  and not report, by * at defaults.yaml:3:20, which is a default",
        ],
    ),
    (
        "main/pg_setting/jit",
        [
            "no file declares it: keep, by * at own.yaml:3:1",
            "  and not report, by * at defaults.yaml:4:1, which is a default",
        ],
    ),
]


@pytest.fixture
def explain_defaults(tmp_path: Path):
    for name, text in OVERRIDDEN.items():
        (tmp_path / name).write_text(text)

    def run(address: str) -> tuple[int, str, str]:
        code, out, err = Command(tmp_path, {}).run("explain", address)
        return code, out.replace(f"{tmp_path}/", ""), err

    return run


@pytest.mark.parametrize(("address", "lines"), OF_DEFAULTS, ids=[each[0] for each in OF_DEFAULTS])
def test_the_rules_of_a_default_that_are_overridden_are_told_as_such(address, lines, explain_defaults):
    """Before, only what had a place of its own in the plan said which default it overrides: rules did not."""
    code, out, err = explain_defaults(address)
    assert code == 0, err
    assert out.splitlines() == [f"{address}: {lines[0]}", *lines[1:]]


def test_the_target_may_be_a_pattern(explain_defaults):
    """Before: `unexpected KeyError`."""
    code, out, err = explain_defaults("*/pg_index/public.orders_a")
    assert code == 0, err
    assert out.splitlines()[0] == "replica/pg_index/public.orders_a: no file declares it, and it is kept"
    assert "main/pg_index/public.orders_a: declared at defaults.yaml:5:61" in out
    assert "cache/" not in out
    code, _, err = explain_defaults("c*/pg_index/public.orders_a")
    assert code == 1
    assert "of the targets that c* fits, none is postgres" in err


def test_rules_by_which_a_difference_is_ignored_are_told(tmp_path: Path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "ignored.yaml").write_text(
        "ignore:\n"
        "- {address: '*/pg_setting/work_*', reason: the autotuner, until: 2999-12-31}\n"
        "- {address: main/pg_setting/work_mem, attribute: value, reason: a trial, until: 2020-12-31}\n"
        "- {address: cache/*/*, reason: elsewhere, until: 2999-12-31}\n"
    )
    code, out, err = Command(tmp_path, {}).run("explain", "main/pg_setting/work_mem")
    assert code == 0, err
    assert out.replace(f"{tmp_path}/", "").splitlines() == [
        "main/pg_setting/work_mem: declared at c.yaml:2:12",
        "  what differs is ignored until 2999-12-31, by */pg_setting/work_* at ignored.yaml:2:3: the autotuner",
        "  its value was ignored until 2020-12-31, by main/pg_setting/work_mem at ignored.yaml:3:3: a trial",
    ]
