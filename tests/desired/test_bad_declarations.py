"""Declarations that are wrong, and the very words that say so. There are the targets main, cache and web."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from desired.reading import TARGETS, load_refused


class Case(NamedTuple):
    reason: str
    files: dict[str, str | None]
    error: str


CASES = [
    Case(
        "a key that is nearly one",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: {colums: [a]}\n"},
        'x.yaml:5:15: unknown key "colums"; did you mean "columns"?'
        " (valid: columns, include, using, unique, where, why)",
    ),
    Case(
        "a word that is nearly absent",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: abssent\n"},
        'x.yaml:5:14: a_idx: expected absent or a mapping {key: value}, not "abssent"\n  did you mean absent?',
    ),
    Case(
        "text where a list is wanted, as PyYAML's users are used to",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: {columns: a}\n"},
        'x.yaml:5:24: columns: expected a list [a, b], not "a"',
    ),
    Case(
        "an index without columns",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: {columns: []}\n"},
        "x.yaml:5:15: columns: list should have at least 1 item, not 0",
    ),
    Case(
        "an index that is not spelt out",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: \n"},
        "x.yaml:5:7: a_idx: expected absent or a mapping {key: value}, not nothing",
    ),
    Case(
        "two wrong values of one index, in the order of the text",
        {
            "x.yaml": "target: main\n"
            "tables:\n"
            "  public.t:\n"
            "    indexes:\n"
            "      a_idx: {columns: [a], unique: maybe, using: gist}\n"
        },
        'x.yaml:5:37: unique: expected yes or no, not "maybe"\n'
        'x.yaml:5:51: using: expected btree, gin or brin, not "gist"',
    ),
    Case(
        "of a union, the alternative that was meant",
        {"x.yaml": "target: main\ntables:\n  public.t:\n    indexes:\n      a_idx: {sql: create index, why: speed}\n"},
        'x.yaml:5:34: unknown key "why" (valid: sql)',
    ),
    Case(
        "a list of tables",
        {"x.yaml": "target: main\ntables:\n  - public.t\n"},
        "x.yaml:2:1: tables: expected a mapping {key: value}, not a list",
    ),
    Case(
        "a section without content",
        {"x.yaml": "target: main\ntables:\n"},
        "x.yaml:2:1: tables: expected a mapping {key: value}, not nothing",
    ),
    Case(
        "what only the kind can refuse",
        {"x.yaml": "target: main\ntables: {t: {}}\n"},
        "x.yaml:2:10: the table t has no schema",
    ),
    Case(
        "a target that is nearly one",
        {"x.yaml": "target: mian\ntables: {}\n"},
        'x.yaml:1:9: unknown target "mian"; did you mean "main"? (valid: main, cache, web)',
    ),
    Case(
        "a section for no target",
        {"x.yaml": "tables: {}\n"},
        'x.yaml:1:1: the key target is missing: which target is the section "tables" for?\n'
        "  add a line to this document: target: main",
    ),
    Case(
        "a target in a list that has not this section",
        {"x.yaml": "target: [main, cache]\ntables: {}\n"},
        'x.yaml:2:1: the section "tables" is for targets of postgres, and this one is of redis\n  is the target right?',
    ),
    Case(
        "a target that is nothing",
        {"x.yaml": "target:\ntables: {}\n"},
        "x.yaml:1:1: target: expected the name of a target, a list of names, or {where: …}, not nothing",
    ),
    Case(
        "a section that is nearly one",
        {"x.yaml": "target: main\ntabels: {}\n"},
        'x.yaml:2:1: unknown key "tabels"; did you mean "tables"?'
        " (valid: targets, target, rollout, ignore, defaults, checklist, databases, roles, settings, tables, users)",
    ),
    Case(
        "a section that this system has not",
        {"x.yaml": "target: web\ntables: {}\n"},
        'x.yaml:2:1: the section "tables" is for targets of postgres, and this one is of http\n  is the target right?',
    ),
    Case(
        "of a section that two kinds share, the one of the target's system",
        {"x.yaml": "target: cache\nsettings: {maxmemory: {at_least: 5}}\n"},
        'x.yaml:2:24: unknown key "at_least" (valid: env, file)',
    ),
    Case(
        "of several alternatives, what each expects",
        {"x.yaml": "target: cache\nsettings: {maxmemory: [1gb]}\n"},
        "x.yaml:2:12: maxmemory: expected text, {env: NAME} or {file: PATH}, not a list",
    ),
    Case(
        "numbers, and keys that are not there",
        {
            "x.yaml": "target: main\n"
            "settings:\n"
            "  a: {at_least: x, otherwise: 5}\n"
            "  b: {include: pg_stat_statements}\n"
            "  c: {at_least: 1}\n"
        },
        'x.yaml:3:17: at_least: expected a whole number, not "x"\n'
        'x.yaml:4:16: include: expected a list [a, b], not "pg_stat_statements"\n'
        'x.yaml:5:3: c: the key "otherwise" is missing',
    ),
    Case(
        "a variable that is not set",
        {"x.yaml": 'target: main\nsettings: {work_mem: "${WORK_MEM}"}\n'},
        "x.yaml:2:22: the environment variable WORK_MEM is not set\n"
        "  export WORK_MEM=… or give a default: ${WORK_MEM:-…}",
    ),
    Case(
        "a variable that is not closed",
        {"x.yaml": 'target: main\nsettings: {work_mem: "${WORK_MEM"}\n'},
        'x.yaml:2:22: a reference is not complete in "${WORK_MEM"\n'
        "  write ${NAME} or ${NAME:-default}; $${ stands for a ${ of the text itself",
    ),
    Case(
        "a value from the environment is not repeated, only its name",
        {"x.yaml": 'target: main\nsettings: {a: {otherwise: "${REDIS_URL}"}}\n'},
        'x.yaml:2:27: otherwise: expected a whole number, not "${REDIS_URL}"',
    ),
    Case(
        "a secret in the wrong place is not repeated",
        {"x.yaml": "target: cache\nusers: {app: {rules: on, password: hunter22}}\n"},
        "x.yaml:2:36: password: expected {env: NAME} or {file: PATH}, not text",
    ),
    Case(
        "a checklist with one mistake an item",
        {
            "x.yaml": "target: cache\n"
            "checklist:\n"
            " - id: a\n"
            "   check: {redis_setting: a, greater_then: 0}\n"
            " - id: b\n"
            "   check: {redis_user: a}\n"
            "   severity: hihg\n"
            " - id: c\n"
            "   check: {redis_setting: maxmemory, greater_than: lots}\n"
            "   waiver: {until: tomorrow, by: a, reason: b}\n"
        },
        'x.yaml:4:30: unknown key "greater_then"; did you mean "greater_than"? (valid: redis_setting, greater_than)\n'
        'x.yaml:6:4: check: the key "may_not" is missing\n'
        'x.yaml:7:14: severity: expected low, medium, high or critical, not "hihg"\n'
        "  did you mean high?\n"
        'x.yaml:9:52: greater_than: expected a whole number, not "lots"\n'
        'x.yaml:10:20: until: expected a date, like 2026-12-31, not "tomorrow"',
    ),
    Case(
        "one resource declared twice in two files",
        {
            "a.yaml": "target: main\nsettings: {work_mem: 1MB}\n",
            "b/c.yaml": "target: main\nsettings:\n  work_mem: 2MB\n",
        },
        "b/c.yaml:3:3: main/pg_setting/work_mem is declared twice; the first one is at a.yaml:2:12\n"
        "  remove one of them",
    ),
    Case(
        "one resource declared twice in two documents",
        {"a.yaml": "target: main\nsettings: {work_mem: 1MB}\n---\ntarget: main\nsettings: {work_mem: 1MB}\n"},
        "a.yaml:5:12: main/pg_setting/work_mem is declared twice; the first one is at a.yaml:2:12\n"
        "  remove one of them",
    ),
    Case(
        "documents that are no mappings",
        {"x.yaml": "- a\n---\nfoo\n"},
        "x.yaml:1:1: expected a mapping with target, targets or a section, not a list\n"
        "x.yaml:3:1: expected a mapping with target, targets or a section, not text",
    ),
    Case(
        "a file name with an escape sequence",
        {"\x1b[31m.yaml": "a: [\n"},
        "\\x1b[31m.yaml:2:1: a value is expected here\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_wrong_declaration_is_refused_in_plain_words(case, tmp_path):
    files = {"targets.yaml": TARGETS} | case.files
    written = {name: content for name, content in files.items() if content is not None}
    assert load_refused(tmp_path, written) == case.error
