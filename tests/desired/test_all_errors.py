"""All that is wrong with the values of a section is told at once, each at its own place.

Before, the first of them ended the reading of its section, and what was wrong with a key of an index was told at its
name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from desired.reading import TARGETS, load_refused

from reconciler.kinds.registry import KINDS


class Case(NamedTuple):
    """`said`: the place of each error, and its words."""

    reason: str
    text: str
    said: dict[str, str]


CASES = [
    Case(
        "settings of PostgreSQL",
        "target: main\nsettings:\n  work_mem: 12xB\n  random_page_cost: [1]\n  'a b': 1\n  fsync: perhaps\n",
        {"3:3": "12xB", "4:3": "not a list", "5:3": "not the name of a setting", "6:3": "not a value"},
    ),
    Case(
        "settings of roles, and of databases",
        "target: main\nroles:\n  r: {settings: {work_mem: 12xB}, databases: {d: {settings: {jit: perhaps}}}}\n"
        "databases: {d: {settings: {work_mem: 12xB}}}\n",
        {"3:18": "12xB", "3:62": "not a value", "4:28": "12xB"},
    ),
    Case(
        "settings of Redis",
        "target: cache\nsettings:\n  maxmemory: lots of it\n  appendonly: perhaps\n  requirepass: x\n  hz: 10kb\n",
        {"3:3": "maxmemory", "4:3": "yes or no", "5:3": "may not stand in YAML", "6:3": "hz"},
    ),
    Case(
        "users",
        "target: cache\nusers:\n  'a b': {rules: on}\n  default: absent\n  c: {rules: nonsense}\n",
        {"3:3": "has blanks", "4:3": "cannot be absent", "5:7": "nonsense"},
    ),
    Case(
        "indexes",
        "target: main\ntables:\n  a.b.c.d: {}\n  t:\n    indexes:\n"
        "      a: {columns: [id, 'x)']}\n"
        "      b: {columns: [id], where: 'a = '}\n"
        "      c: {columns: []}\n"
        "      d: {columns: [id], using: btre}\n"
        "      e: {sql: 'create index f on t (id)'}\n",
        {"3:3": "a.b.c.d", "6:25": "not an index key", "7:26": "not a condition", "8:7": "columns is empty",
         "9:26": "btree", "10:11": "creates f"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_all_that_is_wrong_with_a_section_is_told_each_at_its_place(case, tmp_path):
    said = load_refused(tmp_path, {"targets.yaml": TARGETS, "x.yaml": case.text}, kinds=KINDS)
    found = dict(re.findall(r"^x\.yaml:(\d+:\d+): (.*)$", said, re.MULTILINE))
    assert list(found) == list(case.said), said
    for place, words in case.said.items():
        assert words in found[place]


@pytest.mark.parametrize(
    "text",
    [
        "target: cache\nusers: {g: {rules: on, password: hunter2-planted}}\n",
        "target: cache\nusers: {g: {rules: on, password: [hunter2-planted]}}\n",
    ],
)
def test_of_a_password_that_is_written_the_way_to_name_it_is_told_and_never_the_password(text, tmp_path):
    """A mapping {key: value} was wanted, whatever that may be."""
    said = load_refused(tmp_path, {"targets.yaml": TARGETS, "x.yaml": text}, kinds=KINDS)
    assert "password: expected {env: NAME} or {file: PATH}, not " in said
    assert "hunter2" not in said
