"""Targets that are wrong, and the very words that say so."""

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
        "a URL in the place of a target is not repeated",
        {"targets.yaml": "targets: {main: 'postgresql://u:pw@h/db'}\n"},
        'targets.yaml:1:17: main: expected a mapping {key: value}, not "postgresql://…"',
    ),
    Case(
        "a URL of another system",
        {"targets.yaml": "targets: {main: {postgres: 'redis://u:pw@h/db'}}\n"},
        "targets.yaml:1:28: a postgres URL begins with postgresql:// or postgres://; this one begins with redis://",
    ),
    Case(
        "a URL that is none",
        {"targets.yaml": "targets: {cache: {redis: 'pw@h'}}\n"},
        "targets.yaml:1:26: a redis URL begins with redis://, rediss:// or unix://; this one does not",
    ),
    Case(
        "an empty URL of a system that cannot be absent",
        {"targets.yaml": "targets: {cache: {redis: '${NONE:-}'}}\n"},
        "targets.yaml:1:26: the URL is empty\n  is the environment variable empty?",
    ),
    Case(
        "a variable of a URL",
        {"targets.yaml": "targets:\n  cache: {redis: '${NONE}'}\n"},
        "targets.yaml:2:18: the environment variable NONE is not set\n  export NONE=… or give a default: ${NONE:-…}",
    ),
    Case(
        "two systems in one target",
        {"targets.yaml": "targets: {b: {http: x, redis: y}}\n"},
        "targets.yaml:1:11: b: a target is exactly one of postgres, redis or http, with its URL",
    ),
    Case(
        "no system in a target",
        {"targets.yaml": "targets: {c: {memory: 1GB}}\n"},
        "targets.yaml:1:11: c: a target is exactly one of postgres, redis or http, with its URL",
    ),
    Case(
        "one replica that is not in a list: its URL is not repeated",
        {"targets.yaml": "targets: {main: {postgres: 'host=h', replicas: 'postgresql://u:pw@r/db'}}\n"},
        'targets.yaml:1:48: replicas: expected a list [a, b], not "postgresql://…"',
    ),
    Case(
        "a replica of another system",
        {"targets.yaml": "targets: {main: {postgres: 'host=h', replicas: ['host=r', 'redis://:pw@r']}}\n"},
        "targets.yaml:1:59: a postgres URL begins with postgresql:// or postgres://; this one begins with redis://",
    ),
    Case(
        "a variable of a replica's URL",
        {"targets.yaml": "targets: {main: {postgres: 'host=h', replicas: ['${NONE}']}}\n"},
        "targets.yaml:1:49: the environment variable NONE is not set\n  export NONE=… or give a default: ${NONE:-…}",
    ),
    Case(
        "what only PostgreSQL has, on another system",
        {"targets.yaml": "targets: {cache: {redis: 'redis://h', replicas: [], hide_values: no}}\n"},
        "targets.yaml:1:11: cache: only a postgres target has hide_values",
    ),
    Case(
        "a role of Redis",
        {"targets.yaml": "targets: {cache: {redis: 'redis://h', role: app}}\n"},
        "targets.yaml:1:11: cache: only a postgres target has role",
    ),
    Case(
        "the role that means none",
        {"targets.yaml": "targets: {main: {postgres: 'host=h', role: none}}\n"},
        "targets.yaml:1:44: role: no role is called none: leave `role` out, or let it be empty",
    ),
    Case(
        "a role of a longer name than there is",
        {"targets.yaml": f"targets: {{main: {{postgres: 'host=h', role: {'x' * 64}}}}}\n"},
        "targets.yaml:1:44: role: this is no name of a role: one has at most 63 bytes, and no NUL",
    ),
    Case(
        "values that are hidden perhaps",
        {"targets.yaml": "targets: {main: {postgres: 'host=h', hide_values: perhaps}}\n"},
        'targets.yaml:1:51: hide_values: expected yes or no, not "perhaps"',
    ),
    Case(
        "a system that is nearly one",
        {"targets.yaml": "targets: {d: {htp: x}}\n"},
        'targets.yaml:1:15: unknown key "htp"; did you mean "http"? '
        "(valid: postgres, redis, http, memory, cpus, replicas, restart, patroni, standbys, sentinels, checks_as, "
        "hide_values, persist, addresses, direct, role, apply_as, policy, silence, labels, …)",
    ),
    Case(
        "a slash in a name would make addresses ambiguous",
        {"targets.yaml": "targets: {e/f: {http: ''}}\n"},
        'targets.yaml:1:11: the name of the target "e/f" holds a slash\n'
        "  a slash ends the target's name in an address",
    ),
    Case(
        "an at sign, too",
        {"targets.yaml": "targets: {e@f: {http: ''}}\n"},
        'targets.yaml:1:11: the name of the target "e@f" holds an at sign\n'
        "  an at sign stands before the name of a node in an address",
    ),
    Case(
        "a node's name that would make addresses ambiguous",
        {"targets.yaml": "targets: {e: {postgres: 'host=h', standbys: {a/b: {postgres: 'host=r'}}}}\n"},
        'targets.yaml:1:51: the name of the node "a/b" holds / or @',
    ),
    Case(
        "a restart that cannot be split into words",
        {"targets.yaml": "targets: {e: {postgres: 'host=h', restart: ssh 'db1}}\n"},
        "targets.yaml:1:44: restart: this command cannot be split into words: No closing quotation",
    ),
    Case(
        "Patroni restarts its members itself",
        {"targets.yaml": "targets: {e: {postgres: 'host=h', restart: x, patroni: {url: 'http://h:8008'}}}\n"},
        "targets.yaml:1:11: e: Patroni knows the members and restarts them: leave out restart and standbys",
    ),
    Case(
        "Sentinels know the replicas",
        {"targets.yaml": "targets: {c: {redis: 'redis://m', replicas: ['redis://r'], sentinels: ['redis://s']}}\n"},
        "targets.yaml:1:11: c: the Sentinels know the replicas: leave out replicas",
    ),
    Case(
        "Sentinels, and no name of a primary",
        {"targets.yaml": "targets: {c: {redis: 'redis://:x@', sentinels: ['redis://s']}}\n"},
        "targets.yaml:1:11: c: with `sentinels`, the host in the URL is the name of the primary: "
        "redis://:PASSWORD@NAME/0",
    ),
    Case(
        "Sentinels of PostgreSQL",
        {"targets.yaml": "targets: {e: {postgres: 'host=h', sentinels: ['redis://s']}}\n"},
        "targets.yaml:1:11: e: only a redis target has sentinels",
    ),
    Case(
        "memory without a unit",
        {"targets.yaml": "targets: {web: {http: '', memory: 16}}\n"},
        "targets.yaml:1:35: memory: the unit is missing: 16GB, 16MB? (units: B, kB, MB, GB, TB)",
    ),
    Case(
        "memory in lower case",
        {"targets.yaml": "targets: {web: {http: '', memory: 16gb}}\n"},
        "targets.yaml:1:35: memory: the unit gb is unknown; did you mean GB?"
        " (units: B, kB, MB, GB, TB; the case of letters counts)",
    ),
    Case(
        "a machine without processors",
        {"targets.yaml": "targets: {web: {http: '', cpus: 0}}\n"},
        "targets.yaml:1:33: cpus: expected a number of processors, like 8",
    ),
    Case(
        "half a processor",
        {"targets.yaml": "targets: {web: {http: '', cpus: '1.5'}}\n"},
        "targets.yaml:1:33: cpus: expected a number of processors, like 8",
    ),
    Case(
        "memory that is a list",
        {"targets.yaml": "targets: {web: {http: '', memory: [16GB]}}\n"},
        "targets.yaml:1:27: memory: expected an amount of memory, like 16GB",
    ),
    Case(
        "memory from the environment is not repeated",
        {"targets.yaml": "targets: {web: {http: '', memory: '${DATABASE_URL}'}}\n"},
        "targets.yaml:1:35: memory: an amount of memory is a number and a unit, like 16GB, 512MB or 1.5GB",
    ),
    Case(
        "memory from an empty variable",
        {"targets.yaml": "targets: {web: {http: '', memory: '${NONE:-}'}}\n"},
        "targets.yaml:1:35: memory: an amount of memory is a number and a unit, like 16GB, 512MB or 1.5GB",
    ),
    Case(
        "a target declared twice in two files",
        {"b.yaml": "targets:\n  main: {http: ''}\n"},
        'targets.yaml:2:3: the target "main" is declared twice; the first one is at b.yaml:2:3\n'
        "  remove or rename one of them",
    ),
    Case(
        "targets that are a list",
        {"targets.yaml": "targets: [main]\n"},
        "targets.yaml:1:10: targets: expected a mapping {name: {postgres: URL}}, not a list",
    ),
    Case(
        "no targets at all",
        {"targets.yaml": "# to be written\n"},
        'no targets under FOLDER\n  declare one: targets: {main: {postgres: "${DATABASE_URL}"}}',
    ),
    Case(
        "no YAML at all",
        {"targets.yaml": None, "notes.txt": "x"},
        "no YAML under FOLDER: there is no file whose name ends in .yaml or .yml\n"
        '  begin with targets.yaml: targets: {main: {postgres: "${DATABASE_URL}"}}',
    ),
    Case(
        "a file that cannot be parsed does not make its targets unknown",
        {"targets.yaml": "targets: {main: [\n", "x.yaml": "target: main\nsettings: {work_mem: 1MB}\n"},
        "targets.yaml:2:1: a value is expected here\n"
        '  put text that holds one of , [ ] { } : # & * ! | > % @ ` into quotes: "…"',
    ),
    Case(
        "a target that is wrong does not make its sections wrong",
        {"targets.yaml": "targets: {main: {postgres: '${NONE}'}}\n", "x.yaml": "target: main\ntabels: {}\n"},
        "targets.yaml:1:28: the environment variable NONE is not set\n"
        "  export NONE=… or give a default: ${NONE:-…}\n"
        'x.yaml:2:1: unknown key "tabels"; did you mean "tables"?'
        " (valid: targets, target, rollout, ignore, defaults, checklist, databases, roles, settings, tables, users)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_wrong_target_is_refused_in_plain_words(case, tmp_path):
    files = {"targets.yaml": TARGETS} | case.files
    written = {name: content for name, content in files.items() if content is not None}
    assert load_refused(tmp_path, written) == case.error
