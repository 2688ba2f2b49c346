"""From a folder to targets and resources."""

from __future__ import annotations

import textwrap
from typing import Annotated

import pytest
from desired.reading import ENV, TARGETS, load_files, load_refused
from desired.standin_kinds import CHECKS, KINDS, PG_SETTINGS, Standin
from pydantic import AfterValidator

from reconciler.desired.load import load
from reconciler.desired.narrowing import Narrowing
from reconciler.errors import DesiredError, UsageError
from reconciler.model import System
from reconciler.secrets import Secrets

POSTGRES = """\
target: main
tables:
  public.tasks:
    indexes:
      tasks_agent_status_idx: {columns: [agent_id, status]}
      tasks_old_idx: absent
settings:
  shared_buffers: 25% of memory
"""
REDIS = """\
target: cache
settings:
  maxmemory: 75% of memory
  appendonly: yes
"""


def addresses(desired):
    return [str(resource.address) for resource in desired.resources]


class Spy(Standin):
    """Keeps the declarations that it is given."""

    def declare(self, declaration):
        self.seen = declaration
        return super().declare(declaration)


def test_resources_come_in_the_order_of_files_and_of_the_text(tmp_path):
    desired = load_files(tmp_path, {"z.yml": REDIS, "a/pg.yaml": POSTGRES, "targets.yaml": TARGETS})
    assert addresses(desired) == [
        "main/pg_index/public.tasks_agent_status_idx",
        "main/pg_index/public.tasks_old_idx",
        "main/pg_setting/shared_buffers",
        "cache/redis_setting/maxmemory",
        "cache/redis_setting/appendonly",
    ]
    assert desired.resources[0].declared_at == f"{tmp_path}/a/pg.yaml:5:7"


def test_targets_and_sections_may_share_a_document_and_a_file(tmp_path):
    assert addresses(load_files(tmp_path, {"all.yaml": TARGETS + "---\n" + POSTGRES + "---\n" + REDIS}))
    assert addresses(load_files(tmp_path, {"all.yaml": TARGETS + POSTGRES}))


def test_hidden_and_other_files_do_not_count(tmp_path):
    rubbish = "a: [\n"
    files = {".hidden.yaml": rubbish, ".git/x.yaml": rubbish, "x.yaml~": rubbish, "x.json": rubbish}
    assert load_files(tmp_path, {"t.yaml": TARGETS, **files}).targets


def test_links_count_as_those_of_a_mounted_config_map_do(tmp_path):
    load_files(tmp_path, {"t.yaml": TARGETS, "..data/pg.yaml": POSTGRES})
    (tmp_path / "pg.yaml").symlink_to("..data/pg.yaml")
    assert len(addresses(load_files(tmp_path, {}))) == 3


def test_targets_have_what_was_declared(tmp_path):
    targets = load_files(tmp_path, {"t.yaml": TARGETS}).targets
    assert [(target.name, target.system, target.memory) for target in targets.values()] == [
        ("main", System.POSTGRES, 16 * 1024**3),
        ("cache", System.REDIS, 8 * 1024**3),
        ("web", System.HTTP, None),
    ]
    assert targets["main"].url.get_secret_value() == ENV["DATABASE_URL"]
    assert targets["main"].declared_at == f"{tmp_path}/t.yaml:2:3"
    assert targets["web"].url.get_secret_value() == ""
    assert ENV["DATABASE_URL"] not in repr(targets)


def test_passwords_of_urls_are_remembered_as_secrets(tmp_path):
    (tmp_path / "t.yaml").write_text(TARGETS)
    secrets = Secrets(ENV)
    load(tmp_path, KINDS, ENV, secrets)
    assert secrets.redact("hunter2 s3same app") == "(sensitive) (sensitive) app"


@pytest.mark.parametrize(
    "url",
    ["postgresql://u@h/d", "postgres:///d?host=/run", "host=/run dbname=d user=u"],
)
def test_postgresql_takes_urls_and_keyword_strings(tmp_path, url):
    targets = load_files(tmp_path, {"t.yaml": TARGETS}, env={**ENV, "DATABASE_URL": url}).targets
    assert targets["main"].url.get_secret_value() == url


@pytest.mark.parametrize("url", ["redis://h", "rediss://h", "unix:///run/redis.sock"])
def test_redis_takes_its_three_schemes(tmp_path, url):
    targets = load_files(tmp_path, {"t.yaml": TARGETS}, env={**ENV, "REDIS_URL": url}).targets
    assert targets["cache"].url.get_secret_value() == url


def test_only_the_targets_that_are_asked_for_need_their_variables(tmp_path):
    files = {"t.yaml": TARGETS, "pg.yaml": POSTGRES, "redis.yaml": REDIS + "  requirepass: ${NOT_SET}\n"}
    env = {"DATABASE_URL": ENV["DATABASE_URL"]}
    desired = load_files(tmp_path, files, env=env, only=Narrowing(("main",)))
    assert desired.targets.keys() == {"main"}
    assert {resource.address.target for resource in desired.resources} == {"main"}
    with pytest.raises(DesiredError, match="REDIS_URL is not set"):
        load_files(tmp_path, {}, env=env, only=Narrowing(("main", "cache")))


def test_what_is_wrong_for_everybody_is_wrong_for_one_target_too(tmp_path):
    files = {"t.yaml": TARGETS, "redis.yaml": "target: cache\nsetings: {}\n"}
    assert "unknown key" in load_refused(tmp_path, files, only=Narrowing(("main",)))


def test_asking_for_an_unknown_target_is_an_error_of_usage(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_files(tmp_path, {"t.yaml": TARGETS}, only=Narrowing(("mian",)))
    assert str(caught.value) == 'unknown target "mian"; did you mean "main"? (valid: main, cache, web)'


def test_offline_the_urls_may_lack_their_variables_and_all_else_is_checked(tmp_path):
    files = {"t.yaml": TARGETS, "pg.yaml": POSTGRES}
    desired = load_files(tmp_path, files, env={}, offline=True)
    assert len(desired.resources) == 3
    assert {target.url.get_secret_value() for target in desired.targets.values()} == {""}
    assert "begins with redis://" in load_refused(tmp_path, {}, env={"DATABASE_URL": ENV["REDIS_URL"]}, offline=True)
    assert "the environment variable WORK_MEM is not set" in load_refused(
        tmp_path, {"x.yaml": "target: main\nsettings: {work_mem: '${WORK_MEM}'}\n"}, env={}, offline=True
    )


def test_a_declaration_holds_the_validated_value_and_its_places(tmp_path):
    spy = Spy("spy", None, {"things": dict[str, int | bool]})
    text = "target: ${WHICH}\nthings:\n  a: 5\n  b: ${YES}\n"
    load_files(tmp_path, {"t.yaml": TARGETS, "x.yaml": text}, kinds=[spy], env={**ENV, "YES": "yes", "WHICH": "cache"})
    assert spy.seen.value == {"a": 5, "b": True}
    assert (spy.seen.target.name, spy.seen.section, spy.seen.file) == ("cache", "things", f"{tmp_path}/x.yaml")
    assert spy.seen.at(("b",)) == f"{tmp_path}/x.yaml:4:3"
    assert spy.seen.at(("c", "d")) == f"{tmp_path}/x.yaml:2:1"


def test_a_kind_for_the_very_system_comes_before_one_for_any(tmp_path):
    any_system = Standin("any_setting", None, PG_SETTINGS.sections)
    files = {"t.yaml": TARGETS, "a.yaml": "target: main\nsettings: {a: b}\n---\ntarget: cache\nsettings: {a: b}\n"}
    assert addresses(load_files(tmp_path, files, kinds=[any_system, PG_SETTINGS])) == [
        "main/pg_setting/a",
        "cache/any_setting/a",
    ]


def test_a_kind_for_any_system_declares_on_each(tmp_path):
    check = "checklist: [{id: a, check: {redis_setting: maxmemory, greater_than: 0}}]\n"
    text = "---\n".join(f"target: {name}\n{check}" for name in ("main", "cache", "web"))
    desired = load_files(tmp_path, {"t.yaml": TARGETS, "c.yaml": text}, kinds=[CHECKS])
    assert addresses(desired) == ["main/check/a", "cache/check/a", "web/check/a"]


def test_anchors_spare_repetition_between_sections_of_one_document(tmp_path):
    text = """
        target: main
        tables:
          public.a: &same {indexes: {}}
          public.b: {<<: *same, unlisted_indexes: report}
        """
    assert load_files(tmp_path, {"t.yaml": TARGETS, "x.yaml": text}).resources == ()


def refuse_everything(value):
    raise ValueError(f"{value} is not wanted")


@pytest.mark.parametrize(
    ("text", "env", "error"),
    [
        ("things: {5: '${X}'}", {"X": "hunter2"}, "5: ${X} is not wanted"),
        ("things: {5: 'a-${X}'}", {"X": "hunter2"}, "5: a-${X} is not wanted"),
        ("things: {5: '${X}'}", {"X": "a"}, "5: a is not wanted"),
        ("things: {5: '${X:-}'}", {}, "5:  is not wanted"),
    ],
    ids=["a value", "a part of one", "too short to be one", "nothing"],
)
def test_what_a_validator_says_does_not_repeat_what_came_from_the_environment(tmp_path, text, env, error):
    kind = Standin("spy", None, {"things": dict[int, Annotated[str, AfterValidator(refuse_everything)]]})
    text = f"target: web\n{text}\n"
    with pytest.raises(DesiredError) as caught:
        load_files(tmp_path, {"t.yaml": TARGETS, "x.yaml": text}, kinds=[kind], env={**ENV, **env})
    assert caught.value.message == error
    assert caught.value.at == f"{tmp_path}/x.yaml:2:13"


def test_targets_may_be_written_without_memory_or_with_none(tmp_path):
    targets = load_files(tmp_path, {"t.yaml": "targets:\n  a: {http: , memory: }\n  b: {http: ''}\n"}).targets
    assert [target.memory for target in targets.values()] == [None, None]


def test_a_target_may_have_replicas_and_hide_values(tmp_path):
    text = """\
        targets:
          main:
            postgres: "${DATABASE_URL}"
            replicas: ["postgresql://app:elsewhere@db2/app", "${NONE:-}", host=db3 dbname=app]
            hide_values: yes
        """
    secrets = Secrets(ENV)
    path = tmp_path / "targets.yaml"
    path.write_text(textwrap.dedent(text))
    main = load(tmp_path, KINDS, ENV, secrets).targets["main"]
    assert [url.get_secret_value() for url in main.replicas] == [
        "postgresql://app:elsewhere@db2/app",
        "host=db3 dbname=app",
    ]
    assert main.hide_values
    assert secrets.redact("elsewhere") == "(sensitive)"
    assert "elsewhere" not in repr(main)


def test_offline_replicas_may_lack_their_variables(tmp_path):
    files = {"targets.yaml": "targets: {main: {postgres: '${NONE}', replicas: ['${NONE}', host=r]}}\n"}
    [url] = load_files(tmp_path, files, offline=True).targets["main"].replicas
    assert url.get_secret_value() == "host=r"
