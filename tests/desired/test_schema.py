"""The JSON Schema accepts what the loader accepts, as editors read it, and points at what it refuses."""

from __future__ import annotations

import pytest
import yaml
from desired.reading import TARGETS, load_files, load_refused
from desired.standin_kinds import KINDS
from jsonschema import Draft202012Validator

from reconciler.desired.schema import DIALECT, json_schema

SCHEMA = json_schema(KINDS)
VALIDATOR = Draft202012Validator(SCHEMA)

GOOD = {
    "targets": TARGETS,
    "indexes": """
        target: main
        tables:
          public.tasks:
            unlisted_indexes: keep
            indexes:
              tasks_agent_status_idx: {columns: [agent_id, status]}
              tasks_queue_idx:
                columns: [priority desc, created_at]
                include: [title]
                where: status in ('pending', 'running')
                why: the workers' queue query
              tasks_meta_idx: {using: gin, columns: [meta jsonb_path_ops]}
              tasks_email_key: {unique: true, columns: [lower(email)]}
              tasks_raw_idx: {sql: "create index tasks_raw_idx on public.tasks using brin (created_at)"}
              tasks_old_idx: absent
        """,
    "PostgreSQL settings": """
        target: main
        settings:
          shared_buffers: 25% of memory
          log_min_duration_statement: 100ms
          max_worker_processes: 8
          shared_preload_libraries: {include: [pg_stat_statements]}
          max_connections: {at_least: 100, at_most: 400, otherwise: 200}
          vacuum_cost_limit: default
          fsync: on
        databases: {app: {settings: {statement_timeout: 30s}}}
        roles: {reporting: {settings: {work_mem: 64MB}}}
        """,
    "Redis settings": """
        target: cache
        settings:
          maxmemory: 75% of memory
          appendonly: yes
          requirepass: {env: REDIS_PASSWORD}
        users:
          app: {rules: "on ~app:* +@all -@dangerous", password: {env: APP_REDIS_PASSWORD}}
        """,
    "a checklist": """
        target: cache
        checklist:
          - id: redis-maxmemory
            title: Memory limit set
            severity: high
            check: {redis_setting: maxmemory, greater_than: 0}
          - id: redis-dangerous-commands
            check: {redis_user: app, may_not: [flushall, flushdb, keys, config, debug]}
            waiver: {until: 2026-12-31, by: dba, reason: migration in progress}
        """,
    "numbers from the environment": """
        target: cache
        checklist:
          - {id: a, check: {redis_setting: maxmemory, greater_than: "${LEAST:-5}"}}
        """,
    "nothing": "# to be written",
}

BAD = {
    "a mistyped key": "{target: main, tables: {public.t: {indexes: {a: {colums: [a]}}}}}",
    "a mistyped section": "{target: main, tabels: {}}",
    "a section for no target": "{tables: {}}",
    "a target without a system": "{targets: {main: {memory: 1GB}}}",
    "a target of two systems": "{targets: {main: {postgres: a, redis: b}}}",
    "a word where a number is wanted": "{target: main, settings: {a: {at_least: some, otherwise: 1}}}",
    "a word that is none of a few": "{target: main, tables: {public.t: {unlisted_indexes: kep}}}",
    "a list of documents": "[]",
}


def as_an_editor_reads(text):
    """With types, but without dates: JSON has none, and yaml-language-server reads YAML 1.2."""

    class Editor(yaml.SafeLoader):
        pass

    Editor.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Editor)  # noqa: S506 - derived from SafeLoader


def test_it_is_a_schema_of_its_dialect():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_right_to_the_editor_and_to_the_loader(name, tmp_path):
    assert [error.message for error in VALIDATOR.iter_errors(as_an_editor_reads(GOOD[name]))] == []
    load_files(
        tmp_path, {"targets.yaml": TARGETS, name + ".yaml": GOOD[name]} if name != "targets" else {"t.yaml": TARGETS}
    )


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_wrong_to_the_editor_and_to_the_loader(name, tmp_path):
    assert not VALIDATOR.is_valid(as_an_editor_reads(BAD[name]))
    assert load_refused(tmp_path, {"x.yaml": BAD[name], **({} if "targets" in BAD[name] else {"t.yaml": TARGETS})})


def test_a_section_that_two_kinds_share_may_be_as_either_reads_it():
    assert len(SCHEMA["properties"]["settings"]["anyOf"]) == 2


def test_every_section_of_every_kind_is_there():
    wanted = {section for kind in KINDS for section in kind.sections}
    assert SCHEMA["properties"].keys() == wanted | {"target", "targets", "defaults", "rollout", "ignore"}


def test_it_is_the_same_every_time():
    assert json_schema(KINDS) == SCHEMA
