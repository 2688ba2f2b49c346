"""How a user differs, in words: in the plan what it comes to, in drift what it is otherwise than declared.

Before, both were the raw rules of two sides, in one of which the server had printed forty commands for a category; and
a change of rules and password spoke of the rules alone.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from live import changes, converge
from redis_user.declared_users import users

from reconciler.kinds.redis_user import KIND
from reconciler.model import HazardType
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.views import render, render_drift

PASSWORD, OTHER = "correct-horse-battery", "staple-and-a-half"
SECRETS = Secrets({"APP_PASSWORD": PASSWORD})
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# live rules, declared rules, what the plan says, what drift says
CASES = [
    ("on ~app:* +get +flushall", "on ~app:* +get", "may no longer run flushall", "may also run flushall", "a command"),
    ("on ~app:* +get", "on ~app:* ~x +get", "may also read and write x", "may no longer read and write x", "a pattern"),
    ("on ~* +get", "on ~app:* +get", "may no longer read and write keys other than app:*",
     "may also read and write every key", "every key becomes some"),
    ("on ~app:* +get", "on +get", "may no longer read and write app:*", "may also read and write app:*", "no key"),
    ("on ~* +get", "on +get", "may no longer read and write any key",
     "may also read and write every key", "none at all"),
    ("on +@all", "on +@all -@dangerous", "may no longer run @dangerous", None, "a category"),
    ("on +get", "on +@all", "may also run every command but get and what later versions or modules bring",
     "may no longer run every command but get and what later versions or modules bring", "all but one"),
    ("on +@all", "on +@all -config", "may no longer run config", "may also run config", "a command of subcommands"),
    ("on +@all -@scripting", "on +@all", "may also run @scripting", "may no longer run @scripting", "it gets one"),
    ("off +get", "on +get", "is on", "is off: nobody can log in as it", "turned on"),
    ("on +get", "off +get", "is off: nobody can log in as it", "is on", "turned off"),
    ("on resetchannels &a +get", "on &b +get", "may also use b; may no longer use a",
     "may also use a; may no longer use b",
     "channels"),
    ("on allchannels +get", "on &a +get", "may no longer use channels other than a", "may also use every channel",
     "every channel becomes one"),
    ("on +@all -select", "on +@all -select +select|0", "may also run select 0",
     "may no longer run select 0", "an argument"),
    ("on ~a +get +set", "on ~b +get +del", "may also run del; may also read and write b; may no longer run set; "
     "may no longer read and write a", None, "all at once"),
]  # fmt: skip
NEWER = [
    ("on %R~a +get", "on %W~a +get", "may also write a; may no longer read a", None, "reading and writing apart"),
    ("on ~a +get", "on %R~a +get", "may no longer write a", "may also write a", "it may still read"),
    ("on +get", "on +get (~x +set)", "may also, apart from that, run set, read and write x",
     "may no longer, apart from that, run set, read and write x", "a selector"),
    ("on +@all", "on +@all -config|set", "may no longer run config set", "may also run config set", "a subcommand"),
]  # fmt: skip
NEWEST = [
    ("on +get", "on db=0,1 +get", "may no longer use databases other than 0 and 1",
     "may also use every database", "some"),
    ("on db=0 +get", "on db=1 +get", "may also use database 1; may no longer use database 0", None, "another one"),
    ("on db=0 +get", "on +get", "may also use every database", "may no longer use databases other than 0", "all"),
    ("on +get", "on +get (db=3 ~x +set)", "may also, apart from that, run set, read and write x, use database 3", None,
     "those of a selector"),
]  # fmt: skip


def differs(live, declared, plans, drifts, redis_target, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *_words(live))
    [change] = changes(KIND, redis_target, users({"app": declared}))
    assert change.summary == plans
    assert drifts is None or change.deviation == drifts
    converge(KIND, redis_target, users({"app": declared}))


def _words(rules):
    before, bar, selector = rules.partition("(")
    return [*before.split(), *([bar + selector] if bar else [])]


@pytest.mark.parametrize(("live", "declared", "plans", "drifts", "reason"), CASES, ids=[case[4] for case in CASES])
def test_what_a_user_may_is_said_in_words(live, declared, plans, drifts, reason, redis_target, redis_client):
    differs(live, declared, plans, drifts, redis_target, redis_client)


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize(("live", "declared", "plans", "drifts", "reason"), NEWER, ids=[case[4] for case in NEWER])
def test_newer_rules_are_said_in_words(live, declared, plans, drifts, reason, redis_target, redis_client):
    differs(live, declared, plans, drifts, redis_target, redis_client)


@pytest.mark.redis(">= 9")
@pytest.mark.parametrize(("live", "declared", "plans", "drifts", "reason"), NEWEST, ids=[case[4] for case in NEWEST])
def test_databases_are_said_in_words(live, declared, plans, drifts, reason, redis_target, redis_client):
    differs(live, declared, plans, drifts, redis_target, redis_client)


PARTS = [
    ("on ~app:* ~x +get", "on ~app:1 +get", "may no longer read and write x and app:* other than app:1",
     "may also read and write app:* and x", "a part of it stays"),
    ("on ~*:x +get", "on ~app:* +get",
     "may also read and write app:*; may no longer read and write *:x other than app:*", None,
     "keys that fit both stay"),
    ("on ~app:1 ~b +get", "on ~app:* +get", "may also read and write app:*; may no longer read and write b",
     None, "what is covered by now is not lost"),
    ("on ~a[12] +get", "on ~a1 ~b +get", None, None, "classes"),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "plans", "drifts", "reason"), PARTS, ids=[case[4] for case in PARTS])
def test_patterns_that_cover_one_another_are_told_for_what_they_come_to(
    live, declared, plans, drifts, reason, redis_target, redis_client
):
    """On the code before: "may no longer read and write app:1" of a user who still may, by app:*."""
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *live.split())
    [change] = converge(KIND, redis_target, users({"app": declared}))
    assert plans is None or change.summary == plans
    assert drifts is None or change.deviation == drifts


def test_a_pattern_that_another_covers_is_no_difference(redis_target, redis_client):
    """On the code before, it was one, and "may no longer read and write app:1" was said of it."""
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", "~app:*", "~app:1", "+get")
    redis_client.config_rewrite()
    assert changes(KIND, redis_target, users({"app": "on ~app:* +get"})) == []
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", "~app:*", "+get")
    redis_client.config_rewrite()
    assert changes(KIND, redis_target, users({"app": "on ~app:1 ~app:* +get"})) == []


OPENED = [
    ("off nopass +@all", "on nopass +@all", True, "turned on, and needs no password"),
    ("off nopass +@all", "on +@all", True, "the same, and how it logs in is not declared"),
    ("on nopass +get", "on nopass +get +set", False, "it was open before"),
    ("on nopass +get", "off +get", False, "it is closed"),
    ("off +get", "on +get", False, "it has no password"),
]


@pytest.mark.parametrize(("live", "declared", "opened", "reason"), OPENED, ids=[case[3] for case in OPENED])
def test_who_can_log_in_without_a_password_from_then_on_has_to_be_allowed(
    live, declared, opened, reason, redis_target, redis_client
):
    """On the code before, a user that waited turned off, with nopass, was turned on without a word."""
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *live.split())
    [change] = changes(KIND, redis_target, users({"app": declared}))
    found = [risk.message for step in change.steps for risk in step.hazards]
    assert ("app logs in without a password" in found) is opened


LOGINS = [
    ([f">{OTHER}"], "its password is changed", "has another password"),
    ([f">{PASSWORD}", f">{OTHER}"], "its password is changed", "has several passwords"),
    (["nopass"], "needs a password from then on", "needs no password"),
    ([], "gets a password", "has no password, so that nobody can log in as it"),
]


@pytest.mark.parametrize(("by_hand", "plans", "drifts"), LOGINS, ids=[case[2] for case in LOGINS])
def test_a_change_of_rules_and_password_says_both(by_hand, plans, drifts, redis_target, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", "+get", *by_hand)
    [change] = changes(KIND, redis_target, users({"app": ("on +get +set", "APP_PASSWORD")}), SECRETS)
    assert change.summary == f"may also run set; {plans}"
    assert change.deviation == f"may no longer run set; {drifts}"


def test_a_new_user_and_one_that_is_to_go_are_told_whole(redis_target, redis_client):
    [change] = changes(
        KIND, redis_target, users({"app": ("on ~app:* &news +@all -@dangerous", "APP_PASSWORD")}), SECRETS
    )
    run, *rest = change.summary.split("; ")
    assert run == "may run every command but @dangerous and what later versions or modules bring"
    assert rest == ["may read and write app:*", "may use news", "gets a password"]
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", "nopass", "resetchannels", "~a", "+get")
    [change] = changes(KIND, redis_target, users({"app": "absent"}))
    assert change.deviation == "may run get; may read and write a"


@pytest.mark.redis(">= 7")
def test_a_dangerous_command_that_comes_by_a_selector_has_to_be_allowed_too(redis_target, redis_client):
    """On the code before, only those of the user's own permissions were."""
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", "+get")
    [change] = changes(KIND, redis_target, users({"app": "on +get (~* +flushall)"}))
    assert [risk.type for step in change.steps for risk in step.hazards] == [HazardType.LESS_SAFE]


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_raw_rules_stand_in_the_steps_alone(format, redis_target, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", "on", "+@all", "-@dangerous", "~old:*", "nopass")
    plan = make_plan({"cache": redis_target}, users({"app": "on nopass ~app:* +@read"}), Secrets({}), created_at=NOW)
    drift = " ".join(render_drift(plan, format, colour=False, width=200).split())
    for raw in ("+@", "-@", "~old", "~app", "resetchannels"):
        assert raw not in drift
    shown = render(plan, format, colour=False, width=200)
    outside = [line for line in shown.splitlines() if "ACL SETUSER" not in line]
    assert not [line for line in outside if "+@" in line or "~app" in line or "~old" in line]
    assert "may also read and write app:" in " ".join(shown.split())
    assert "may also read and write old:" in drift
