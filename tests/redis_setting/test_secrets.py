"""Passwords: set last, shown nowhere, found out where they are not what they seem."""

from contextlib import closing

import pytest
import redis
from live import changes, converge, outcomes, run
from redis_setting.declared import declared, env

from reconciler.errors import DesiredError, StepFailed
from reconciler.kinds.redis_setting import KIND
from reconciler.model import HazardType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

PASSWORD = "correct-horse-battery"
OTHER = "staple-and-a-half"


@pytest.fixture
def secrets():
    return Secrets({"REDIS_PASSWORD": PASSWORD, "EMPTY": ""})


def hazards(change):
    return [hazard.type for step in change.steps for hazard in step.hazards]


def test_a_password_is_not_changed_where_it_could_not_be_persisted(redis_target, redis_server, redis_client, secrets):
    redis_server.conf.unlink()
    redis_server.conf.mkdir()
    [change] = changes(KIND, redis_target, declared({"requirepass": env("REDIS_PASSWORD")}), secrets)
    with pytest.raises(StepFailed):
        run(redis_target, [change], secrets)
    assert redis_client.config_get("requirepass") == {"requirepass": ""}


def test_a_password_is_set_last_and_shown_nowhere(redis_target, redis_server, secrets):
    resources = declared({"requirepass": env("REDIS_PASSWORD"), "hz": "20"})
    assert [resource.parameter for resource in resources] == ["hz", "requirepass"]
    found = changes(KIND, redis_target, resources, secrets)
    [_, change] = found
    assert change.sensitive == ("value",)
    assert (change.before, change.after) == ({"value": ""}, {"value": "(sensitive)"})
    assert change.undo == ()
    assert "the target's URL does not carry it: until it follows, the declared one is used" in change.notes
    run(redis_target, found, secrets)
    target = RedisTarget(name="cache", url=redis_server.url("", PASSWORD))
    assert outcomes(KIND, target, resources, secrets) == []
    redis_server.restart()
    target = RedisTarget(name="cache", url=redis_server.url("", PASSWORD))
    assert outcomes(KIND, target, resources, secrets) == []


def test_a_url_that_has_the_new_password_already_converges_without_a_note(redis_server, secrets):
    target = RedisTarget(name="cache", url=redis_server.url("", PASSWORD))
    [change] = converge(KIND, target, declared({"requirepass": env("REDIS_PASSWORD")}), secrets)
    assert change.notes == ()


def test_another_password_is_a_change_that_shows_neither(redis_server, redis_client, secrets):
    redis_client.config_set("requirepass", OTHER)
    target = RedisTarget(name="cache", url=redis_server.url("", OTHER))
    [change] = changes(KIND, target, declared({"requirepass": env("REDIS_PASSWORD")}), secrets)
    assert change.before == change.after == {"value": "(sensitive)"}
    with closing(connect(target, secrets)) as session:
        observed = KIND.observe(session, declared({"requirepass": env("REDIS_PASSWORD")}))
    for text in (change.model_dump_json(), repr(change), repr(observed)):
        assert PASSWORD not in text
        assert OTHER not in text


def test_a_password_that_acl_setuser_went_round_is_found_out(redis_server, redis_client, secrets):
    redis_client.config_set("requirepass", PASSWORD)
    redis_client.execute_command("AUTH", PASSWORD)
    redis_client.execute_command("ACL", "SETUSER", "default", "nopass")
    target = RedisTarget(name="cache", url=redis_server.url("", PASSWORD))
    [change] = converge(KIND, target, declared({"requirepass": env("REDIS_PASSWORD")}), secrets)
    assert "ACL SETUSER" in change.reason
    with closing(redis.Redis.from_url(redis_server.url())) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()


def test_an_emptied_password_is_less_safe_and_converges(redis_server, redis_client, secrets):
    redis_client.config_set("requirepass", PASSWORD)
    target = RedisTarget(name="cache", url=redis_server.url("", PASSWORD))
    [change] = converge(KIND, target, declared({"requirepass": ""}), secrets)
    assert hazards(change) == [HazardType.LESS_SAFE]
    assert (change.before, change.after) == ({"value": "(sensitive)"}, {"value": ""})


def test_the_other_secrets_are_not_shown_either(redis_target, redis_client, secrets):
    redis_client.config_set("masterauth", OTHER)
    [change] = converge(KIND, redis_target, declared({"masterauth": env("REDIS_PASSWORD")}), secrets)
    assert OTHER not in change.model_dump_json()
    redis_client.config_set("masterauth", OTHER)
    [change] = converge(KIND, redis_target, declared({"masterauth": ""}), secrets)
    assert OTHER not in change.model_dump_json()


def test_secrets_are_declared_as_such_and_nothing_else_is():
    for section, message in [
        ({"requirepass": PASSWORD}, "write {env: NAME}"),
        ({"masteruser": "replicator"}, "write {env: NAME}"),
        ({"primaryauth": PASSWORD}, "write {env: NAME}"),
        ({"hz": env("HZ")}, "this is no secret"),
        ({"requirepass": env(None)}, "either"),
    ]:
        with pytest.raises(DesiredError) as failure:
            declared(section)
        assert message in str(failure.value)
        assert PASSWORD not in str(failure.value)


def test_a_missing_secret_is_an_error_that_names_its_variable(redis_target, secrets):
    for variable in ("NOT_SET", "EMPTY"):
        with pytest.raises(DesiredError, match=variable):
            outcomes(KIND, redis_target, declared({"requirepass": env(variable)}), secrets)
