"""Users on live servers: declared, there, persisted."""

from contextlib import closing
from hashlib import sha256

import pytest
import redis
from live import changes, converge, outcomes, run, start_with_acl_file
from pydantic import TypeAdapter
from redis_user.declared_users import users

from reconciler.errors import DesiredError, StepFailed
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.rules.acl_syntax import split
from reconciler.model import Action, HazardType, NoticeType, RedisTarget, SecretArgument
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

PASSWORD = "correct-horse-battery"
OTHER = "staple-and-a-half"
RULES = "on ~app:* +@all -@dangerous"
APP = {"app": (RULES, "APP_PASSWORD")}


@pytest.fixture
def secrets():
    return Secrets({"APP_PASSWORD": PASSWORD, "OWN_PASSWORD": OTHER})


def at(url):
    return RedisTarget(name="cache", url=url)


def hazards(change):
    return [hazard.type for step in change.steps for hazard in step.hazards]


def commands(change):
    return [
        " ".join("(hash)" if isinstance(part, SecretArgument) else part for part in step.command)
        for step in change.steps
    ]


def test_a_user_is_created_can_log_in_and_survives_a_restart(redis_target, redis_server, secrets):
    [change] = converge(KIND, redis_target, users(APP), secrets)
    assert change.action is Action.CREATE
    assert commands(change) == [
        "CONFIG REWRITE",
        "ACL SETUSER app reset on ~app:* +@all -@dangerous (hash)",
        "CONFIG REWRITE",
    ]
    assert hazards(change) == []
    redis_server.restart()
    assert outcomes(KIND, at(redis_server.url()), users(APP), secrets) == []
    with closing(redis.Redis.from_url(redis_server.url("app", PASSWORD))) as app:
        assert app.set("app:1", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            app.flushall()


def test_no_password_and_no_hash_is_shown(redis_target, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{OTHER}", "+get")
    [change] = changes(KIND, redis_target, users(APP), secrets)
    assert change.sensitive == ("password",)
    assert change.before["password"] == change.after["password"] == "(sensitive)"
    with closing(connect(redis_target, secrets)) as session:
        observed = KIND.observe(session, users(APP))
    for secret in (PASSWORD, OTHER, *(sha256(text.encode()).hexdigest() for text in (PASSWORD, OTHER))):
        for text in (change.model_dump_json(), repr(change), repr(observed)):
            assert secret not in text


LOGINS = [
    ([f">{OTHER}"], "another password"),
    ([f">{PASSWORD}", f">{OTHER}"], "a second password"),
    (["nopass"], "no password needed"),
    ([], "no password at all"),
]


@pytest.mark.parametrize(("by_hand", "reason"), LOGINS, ids=[case[1] for case in LOGINS])
def test_another_way_to_log_in_is_a_change_of_the_password_alone(by_hand, reason, redis_target, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *RULES.split(), *by_hand)
    [change] = converge(KIND, redis_target, users(APP), secrets)
    assert change.action is Action.UPDATE
    assert change.before["rules"] == change.after["rules"]
    assert "password" in change.summary
    assert "may" not in change.summary, "what it may is as declared"


def test_passwords_stay_where_none_is_declared(redis_target, redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{PASSWORD}", f">{OTHER}", "~old:*", "+get")
    assert len(converge(KIND, redis_target, users({"app": RULES}))) == 1
    for password in (PASSWORD, OTHER):
        with closing(redis.Redis.from_url(redis_server.url("app", password))) as app:
            assert app.set("app:1", "x")


def test_undo_puts_the_old_rules_back(redis_target, redis_client):
    redis_client.execute_command(
        "ACL", "SETUSER", "app", "on", f">{PASSWORD}", "~old:*", "+@all", "-@dangerous", "+keys"
    )
    before = redis_client.execute_command("ACL", "LIST")
    [change] = changes(KIND, redis_target, users({"app": RULES}))
    run(redis_target, [change])
    assert redis_client.execute_command("ACL", "LIST") != before
    run(redis_target, [change.model_copy(update={"steps": change.undo})])
    [again] = changes(KIND, redis_target, users({"app": RULES}))
    assert (again.before, again.notes, again.summary) == (change.before, change.notes, change.summary)


def test_what_a_change_gives_and_takes_is_told(redis_target, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "on", "~app:*", "+get", "+keys")
    [change] = converge(KIND, redis_target, users({"app": "on ~app:* +get +set +flushall"}))
    assert change.summary == "may also run flushall and set; may no longer run keys"
    assert hazards(change) == [HazardType.LESS_SAFE], "flushall is @dangerous"


def test_nopass_and_turning_off_have_to_be_allowed(redis_target, redis_client):
    [change] = converge(KIND, redis_target, users({"app": "on nopass ~app:* +get"}))
    assert hazards(change) == [HazardType.LESS_SAFE]
    [change] = converge(KIND, redis_target, users({"app": "off nopass ~app:* +get"}))
    assert hazards(change) == [HazardType.LESS_SAFE]
    assert "turned off" in change.steps[1].hazards[0].message


def test_an_absent_user_is_deleted_once_it_is_allowed(redis_target, redis_server, redis_client):
    assert outcomes(KIND, redis_target, users({"app": "absent"})) == []
    redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{PASSWORD}", "+get")
    [change] = converge(KIND, redis_target, users({"app": "absent"}))
    assert change.action is Action.DELETE
    assert change.after is None
    assert hazards(change) == [HazardType.LESS_SAFE]
    redis_server.restart()
    assert outcomes(KIND, at(redis_server.url()), users({"app": "absent"})) == []


def test_users_are_kept_in_the_acl_file_where_there_is_one(redis_server, secrets):
    start_with_acl_file(redis_server)
    [change] = converge(KIND, at(redis_server.url()), users(APP), secrets)
    assert commands(change)[-1] == "ACL SAVE"
    redis_server.restart()
    assert outcomes(KIND, at(redis_server.url()), users(APP), secrets) == []


def test_without_a_file_a_user_is_not_persisted_and_no_change_for_ever(redis_target, secrets):
    """What a server without a file shows of itself; the rest is as on any other."""
    with closing(connect(redis_target, secrets)) as session:
        [resource] = users(APP)
        absent = KIND.observe(session, [resource])[resource.address].model_copy(
            update={"config_file": "", "in_file": "not-visible"}
        )
    [change] = KIND.plan(resource, absent)
    assert commands(change) == ["ACL SETUSER app reset on ~app:* +@all -@dangerous (hash)"]
    assert "not persisted: the server has neither an ACL file nor a config file" in change.notes
    [notice] = KIND.plan(resource, absent.model_copy(update={"same_rights": True, "same_login": True}))
    assert notice.type is NoticeType.NOT_PERSISTED


def test_nothing_is_changed_that_could_not_be_persisted(redis_target, redis_server, redis_client, secrets):
    redis_server.conf.unlink()
    redis_server.conf.mkdir()
    [change] = changes(KIND, redis_target, users(APP), secrets)
    with pytest.raises(StepFailed):
        run(redis_target, [change], secrets)
    assert redis_client.execute_command("ACL", "USERS") == ["default"]


OWN = [
    ("on ~* &* +@all -@dangerous", "config|get", "what makes a server safe takes CONFIG and INFO away"),
    ("off ~* &* +@all", "to log in", "turned off"),
    ("on ~* &* +@all -client", "client|setname", "the lock of an apply"),
]


@pytest.mark.parametrize(("rules", "lost", "reason"), OWN, ids=[case[2] for case in OWN])
def test_the_tools_own_user_keeps_what_the_tool_needs(rules, lost, reason, redis_target):
    [notice] = outcomes(KIND, redis_target, users({"default": rules}))
    assert notice.type is NoticeType.BLOCKED
    assert lost in notice.message
    assert "a user of its own first" in notice.message


def test_the_tools_own_user_is_not_deleted(redis_server, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "tool", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    [notice] = outcomes(KIND, at(redis_server.url("tool", PASSWORD)), users({"tool": "absent"}), secrets)
    assert notice.type is NoticeType.BLOCKED


def test_with_a_user_of_its_own_the_tool_may_narrow_the_default_user(redis_server, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "tool", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    section = {"default": "on ~* &* +@all -@dangerous"}
    [change] = converge(KIND, at(redis_server.url("tool", PASSWORD)), users(section), secrets)
    assert change.before["password"] == "not needed", "how it logs in is not declared, and stays"


def test_a_new_password_of_the_own_user_says_that_the_url_must_follow(redis_server, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "tool", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    target = at(redis_server.url("tool", PASSWORD))
    section = {"tool": ("on ~* &* +@all", "OWN_PASSWORD")}
    [change] = changes(KIND, target, users(section), secrets)
    assert "the target's URL does not carry it: until it follows, the declared one is used" in change.notes
    run(target, [change], secrets)
    assert outcomes(KIND, at(redis_server.url("tool", OTHER)), users(section), secrets) == []


def test_rules_that_the_server_would_refuse_are_blocked_before_it_has_to(redis_target, redis_client):
    for rules, message in [
        ("on +nonsense", "no command nonsense"),
        ("on +@nonsense", "no category @nonsense"),
    ]:
        [notice] = outcomes(KIND, redis_target, users({"app": rules}))
        assert notice.type is NoticeType.BLOCKED, rules
        assert message in notice.message
        with pytest.raises(redis.ResponseError):
            redis_client.execute_command("ACL", "SETUSER", "other", "reset", *rules.split())


NARROWING = [
    ("on ~* ~a", "resetkeys", "on ~* resetkeys ~a"),
    ("on ALLKEYS ~a:*", "resetkeys", "on ~a:* allkeys"),
    ("on ~* %R~*", "resetkeys", "on ~* ~*"),
    ("on allchannels &a", "resetchannels", "on allchannels resetchannels &a"),
    ("on &* &a", "resetchannels", "on &a &*"),
]


@pytest.mark.parametrize(("rules", "message", "good"), NARROWING, ids=[case[0] for case in NARROWING])
def test_a_pattern_after_all_is_refused_where_it_is_declared(rules, message, good, redis_target, redis_client):
    """No server takes it. Before, the plan said so of some, and `~* %R~*` failed in the apply."""
    with pytest.raises(DesiredError, match=message):
        users({"app": rules})
    with pytest.raises(redis.ResponseError):
        redis_client.execute_command("ACL", "SETUSER", "other", "reset", *split(rules))
    assert len(converge(KIND, redis_target, users({"app": good}))) == 1


@pytest.mark.redis(">= 7")
def test_all_keys_in_two_halves_are_not_followed_by_some(redis_target):
    """The server takes it, and writes a line of it that it does not read again: see test_redis_rereading.py."""
    [notice] = outcomes(KIND, redis_target, users({"app": "on %RW~* ~a +get"}))
    assert notice.type is NoticeType.BLOCKED


@pytest.mark.redis("< 7")
@pytest.mark.parametrize("rules", ["on (~a +get)", "on %R~a", "on +@all -config|set"])
def test_newer_rules_are_blocked_on_an_older_server(rules, redis_target):
    [notice] = outcomes(KIND, redis_target, users({"app": rules}))
    assert notice.type is NoticeType.BLOCKED


def test_a_denied_acl_getuser_is_not_visible_and_names_the_permission(redis_server, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", f">{PASSWORD}", "-@all", "+config|get", "+info")
    [notice] = outcomes(KIND, at(redis_server.url("drift", PASSWORD)), users(APP), secrets)
    assert notice.type is NoticeType.NOT_VISIBLE
    assert "needs +acl|getuser" in notice.message


def test_a_narrow_user_sees_all_that_it_needs(redis_server, redis_client, secrets):
    redis_client.execute_command(
        "ACL", "SETUSER", "drift", "on", f">{PASSWORD}", "-@all",
        *("+config|get", "+info", "+ping", "+acl|getuser", "+acl|cat", "+acl|whoami"),
    )  # fmt: skip
    target = at(redis_server.url("drift", PASSWORD))
    [change] = changes(KIND, target, users(APP), secrets)
    assert change.action is Action.CREATE


def test_a_missing_secret_is_an_error_that_names_its_variable(redis_target):
    with pytest.raises(DesiredError, match="APP_PASSWORD"):
        outcomes(KIND, redis_target, users(APP), Secrets({}))


def test_a_plan_file_gives_the_resource_back():
    for resource in users({"app": (RULES, "APP_PASSWORD"), "old": "absent"}):
        assert TypeAdapter(KIND.resource).validate_python(resource.model_dump(mode="json")) == resource
