"""Users: declared, there, and in the file that they are kept in; and what the server itself says of their rights."""

from __future__ import annotations

from contextlib import closing
from random import Random

import pytest
import redis
from live import changes, converge, outcomes, run, start_with, start_with_acl_file
from redis_setting.declared import declared
from redis_user.declared_users import users

from reconciler.errors import DesiredError
from reconciler.kinds.redis_setting import KIND as SETTINGS
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.rules.acl_syntax import split
from reconciler.model import Notice, NoticeType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

PASSWORD = "correct-horse-battery"
SECRETS = Secrets({"APP_PASSWORD": PASSWORD})
RULES = "on ~app:* &news:* +@all -@dangerous +info"


@pytest.fixture(params=["config file", "ACL file"])
def kept(request, redis_server):
    """A server that keeps its users in one of the two places."""
    if request.param == "ACL file":
        start_with_acl_file(redis_server)
    redis_server.keeps = ["ACL SAVE"] if request.param == "ACL file" else ["CONFIG REWRITE"]
    return redis_server


def at(redis_server):
    return RedisTarget(name="cache", url=redis_server.url())


def commands(change):
    return [" ".join(map(str, step.command)) for step in change.steps]


def test_killed_before_it_was_saved_a_user_is_saved_by_the_next_run_and_by_nothing_else(kept):
    wanted = users({"app": (RULES, "APP_PASSWORD"), "other": "on ~x +get"})
    for change in changes(KIND, at(kept), wanted, SECRETS):
        run(at(kept), [change.model_copy(update={"steps": change.steps[:2]})], SECRETS)
    for change in changes(KIND, at(kept), wanted, SECRETS):
        assert change.reason.startswith("it exists, and a restart would take it away")
        assert commands(change) == kept.keeps
        assert PASSWORD not in change.model_dump_json()
    converge(KIND, at(kept), wanted, SECRETS)
    kept.restart()
    assert outcomes(KIND, at(kept), wanted, SECRETS) == []


def test_other_rules_or_passwords_in_the_file_are_said_without_showing_them(kept):
    converge(KIND, at(kept), users({"app": (RULES, "APP_PASSWORD")}), SECRETS)
    for by_hand in (["-get"], [">another-password"], ["resetchannels"]):
        with closing(redis.Redis(port=kept.port)) as client:
            client.execute_command("ACL", "SETUSER", "app", *by_hand)
            client.execute_command(*kept.keeps[0].split())
            client.execute_command("ACL", "SETUSER", "app", "reset", *split(RULES), f">{PASSWORD}")
        [change] = converge(KIND, at(kept), users({"app": (RULES, "APP_PASSWORD")}), SECRETS)
        assert "a restart would bring other rules or passwords, from " in change.reason
        assert "another-password" not in change.model_dump_json()
    kept.restart()
    assert outcomes(KIND, at(kept), users({"app": (RULES, "APP_PASSWORD")}), SECRETS) == []


def test_a_removed_user_that_the_file_still_has_is_removed_from_it(kept):
    converge(KIND, at(kept), users({"app": (RULES, "APP_PASSWORD")}), SECRETS)
    with closing(redis.Redis(port=kept.port)) as client:
        client.execute_command("ACL", "DELUSER", "app")
    [change] = converge(KIND, at(kept), users({"app": "absent"}))
    assert change.reason.startswith("it is gone, and a restart would bring it back, from ")
    assert commands(change) == kept.keeps
    kept.restart()
    assert outcomes(KIND, at(kept), users({"app": "absent"})) == []


def test_the_default_user_is_in_sync_without_a_line_for_it(kept):
    assert outcomes(KIND, at(kept), users({"default": "on nopass ~* &* +@all"})) == []


@pytest.mark.redis(">= 7")
def test_users_of_an_included_file_stop_every_change_since_a_rewrite_would_define_them_twice(redis_server):
    included = redis_server.folder / "users.conf"
    included.write_text("user app on nopass ~* &* +@all\n")
    start_with(redis_server, f"include {included}\n")
    for kind, resources in ((KIND, users({"app": RULES})), (SETTINGS, declared({"hz": "20"}))):
        [notice] = outcomes(kind, at(redis_server), resources)
        assert isinstance(notice, Notice)
        assert f"would define the user in {included}:1 once more" in notice.message
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.config_rewrite()
    with pytest.raises(Exception, match="Duplicate user found"):
        redis_server.restart()


def test_dangerous_commands_are_proven_to_be_denied(redis_target, monkeypatch):
    """Where the server says otherwise than we read its rules, the user is not as declared, whatever we think."""
    wanted = users({"app": RULES})
    converge(KIND, redis_target, wanted)
    with closing(connect(redis_target, Secrets({}))) as session:
        asked = []
        read_all = session.read_all
        monkeypatch.setattr(session, "read_all", lambda sent: asked.append(sent) or read_all(sent))
        observed = KIND.observe(session, wanted)[wanted[0].address]
        tried = [command for sent in asked for command in sent if command[:2] == ("ACL", "DRYRUN")]
        assert observed.contradicted == ()
        if session.version >= (7,):
            assert {"FLUSHALL", "KEYS", "DEBUG", "SHUTDOWN"} <= {command[3].upper() for command in tried}
            assert "INFO" not in {command[3].upper() for command in tried}, "it may run this one"
            assert len(asked) == 3, "round trips"
        else:
            assert tried == []
            assert len(asked) == 2
        monkeypatch.setattr(
            session,
            "read_all",
            lambda sent: [
                "OK" if command[:2] == ("ACL", "DRYRUN") else answer
                for command, answer in zip(sent, read_all(sent), strict=True)
            ],
        )
        contradicted = KIND.observe(session, wanted)[wanted[0].address]
    if tried:
        [notice] = KIND.plan(wanted[0], contradicted)
        assert notice.type is NoticeType.BLOCKED
        assert "and yet ACL DRYRUN lets app run it" in notice.message


def random_rules(random, client):
    """Rules of all kinds, most of them possible, from the server's own tables."""
    categories = client.execute_command("ACL", "CAT")
    names = client.execute_command("ACL", "CAT", random.choice(categories)) or ["get"]

    def selector():
        inner = [word() for _ in range(random.randrange(1, 4))]
        return f"({' '.join(one for one in inner if not one.startswith('('))})"

    def word():
        return random.choice(
            [
                lambda: random.choice("+-") + "@" + random.choice(categories),
                lambda: random.choice("+-") + random.choice(names),
                lambda: random.choice("+-") + random.choice(names).upper(),
                lambda: random.choice(["+@all", "-@all", "allcommands", "NOCOMMANDS"]),
                lambda: random.choice(["+config|get", "-config|set", "+select|1", "+client|id", "+ACL|Whoami"]),
                lambda: "~" + random.choice(["a:*", "b?", "*", "A:*"]),
                lambda: random.choice(["%R~a:*", "%W~a:*", "%RW~b", "%r~c"]),
                lambda: random.choice(["allkeys", "resetkeys", "ALLKEYS"]),
                lambda: "&" + random.choice(["news", "*", "x:*"]),
                lambda: random.choice(["allchannels", "resetchannels"]),
                lambda: random.choice(["on", "off", "ON"]),
                lambda: random.choice(["sanitize-payload", "skip-sanitize-payload"]),
                selector,
            ]
        )()

    return " ".join(word() for _ in range(random.randrange(1, 9)))


def _refused_as_declared(rules):
    try:
        users({"any": rules})
    except DesiredError:
        return True
    return False


@pytest.mark.parametrize("seed", range(3))
def test_any_rules_give_no_difference_once_the_server_has_them_and_those_it_refuses_are_blocked(
    seed, redis_server, redis_client
):
    random = Random(seed)  # noqa: S311 - the same each time
    taken, refused = {}, {}
    for number in range(150):
        rules = random_rules(random, redis_client)
        try:
            redis_client.execute_command("ACL", "SETUSER", f"u{number}", "reset", *split(rules))
            taken[f"u{number}"] = rules
        except redis.ResponseError as error:
            refused[f"u{number}"] = (rules, str(error))
    assert len(taken) > 50
    redis_client.config_rewrite()
    found = {one.address.name: one for one in outcomes(KIND, at(redis_server), users(taken))}
    assert [(name, taken[name], one) for name, one in found.items()] == []
    planned = {name: rules for name, (rules, _) in refused.items() if not _refused_as_declared(rules)}
    blocked = {one.address.name for one in outcomes(KIND, at(redis_server), users(planned)) if isinstance(one, Notice)}
    blocked |= refused.keys() - planned.keys()
    assert [refused[name] for name in refused if name not in blocked] == []
    redis_server.restart()
    assert outcomes(KIND, at(redis_server), users(taken)) == [], "and what the file says of them is read alike"
