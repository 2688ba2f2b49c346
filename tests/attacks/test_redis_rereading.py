"""Names and patterns that a server writes so that it cannot read them again: it does not start, or has other users.

`test_the_rules_are_those_of_each_server` proves the rules of `targets/redis/unloadable_users.py`: each server writes
its users, is killed, and is started with what it wrote. On the code before, every line that is refused here was
applied, called in sync, and made a server that does not start any more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import redis
from applying.acting import apply, message, plan_for
from live import start_with_acl_file
from redis_setting.declared import declared
from redis_setting.releases import release
from redis_user.declared_users import users

from reconciler.applying.executing import config_rewrite
from reconciler.applying.executing.config_rewrite import WrittenWrong
from reconciler.demo.server_process import ServerFailed
from reconciler.errors import DesiredError
from reconciler.model import HazardType, NoticeType, RedisTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.redis.unloadable_users import misread, unsettable, unwritable

ALLOWED = tuple(HazardType)

SIGNS = (
    "'",
    '"',
    "\\",
    "#",
    "(",
    ")",
    "~",
    "%",
    "&",
    "+",
    "\x01",
    "\x7f",
    "é",
    "\xa0",
    "\x85",
    "\x1c",
    "a'b",
    "''",
    '""',
)

NAMES = [*(f"a{sign}b" for sign in SIGNS), *SIGNS, "'ab'", '"ab"', "a'", '"a', "a\\x41", "on", "user", ""]

RULES = [
    *((f"~a{sign}b",) for sign in SIGNS),
    *((f"~{sign}",) for sign in SIGNS),
    *((f"~a{sign}",) for sign in SIGNS),
    *(("resetchannels", f"&a{sign}") for sign in SIGNS),
    *((f"(~a{sign} +get)",) for sign in SIGNS),
    *((f"(+get ~{sign}a)",) for sign in SIGNS),
    ("~'ab'",), ('~"ab"',), ("~a\\'b",), ("~a\\",), ("~it's:*",), ("%R~it's",), ("%RW~a)",), ("~",),
    ("resetchannels", "&"), ("(~bar))",), ("(~a +get)", "(~b) +set)"), ("(~a +get)", "(~b +set)"),
    ("(~a %R~b) +get)",), ("(~(a) +get)",), ("()",), ("( )",), ("(&c) +get)",), ("(~x)", "~y)"), ("~(x", "(~y +get)"),
    ('(~"a b" +get)',), ("(~'a' +get)",), ('(~a "+get")',), ("db=0", "(db=1 ~x) +get)"), ("+select|a\\b",),
    ("%RW~*", "~foo"), ("%R~*", "~foo", "%W~*"), ("%RW~*", "%R~foo"), ("%R~*", "~foo"), ("%RW~*",),
    ("%RW~*", "~foo", "resetkeys", "~x"), ("(%RW~* ~foo +get)",), ("(%RW~* +get)", "(~b +set)"),
    ("~*", "(~b +set)"), ("%RW~*", "(~b +set)"), ("%RW~*", "&foo"),
    ("+select|(",), ("+select|a)",), ("+select|#",), ("(+select|a) +get)",),
]  # fmt: skip
"""No quote in a command: Valkey 9.1.2 ends where ACL SETUSER gets one, so that we refuse it on every server."""


def at(redis_server, **more) -> Target:
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30, **more)


def others(server) -> list[str]:
    """ACL LIST without the user default, of whom some versions write one word more."""
    with closing(redis.Redis(port=server.port, decode_responses=True, protocol=2)) as client:
        return sorted(line for line in client.execute_command("ACL", "LIST") if not line.startswith("user default "))


def comes_back(server, name, rules, acl_file):
    """Whether the user is the same after a start from what was written; None where the server takes no such user."""
    with closing(redis.Redis(port=server.port, decode_responses=True, protocol=2)) as client:
        try:
            client.execute_command("ACL", "SETUSER", name, "on", ">secret", *rules)
        except redis.ResponseError:
            return None, []
        before = others(server)
        client.execute_command(*(("ACL", "SAVE") if acl_file else ("CONFIG", "REWRITE")))
    server.kill()
    try:
        server.start()
    except ServerFailed:
        return False, before
    # Commands stand in the order of a hash table, whose seed is another at each start (seen on 7.0); which of them is
    # the last decides where the parenthesis of a selector stands. The letters are the same in any order.
    return [*map(sorted, others(server))] == [*map(sorted, before)], before


@pytest.mark.parametrize("acl_file", [False, True], ids=["configuration", "ACL file"])
def test_the_rules_are_those_of_each_server(acl_file, redis_server):
    if acl_file:
        start_with_acl_file(redis_server)
    files = {path: path.read_bytes() for path in redis_server.folder.iterdir() if path.suffix in (".conf", ".acl")}
    tried = wrong = 0
    for name, rules in [*((name, ("~k:*", "+get")) for name in NAMES), *(("bob", rules) for rules in RULES)]:
        same, lines = comes_back(redis_server, name, rules, acl_file)
        if same is None:
            continue
        said = [why for line in lines if (why := misread(line, acl_file=acl_file))]
        assert bool(said) is not same, (name, rules, lines, said)
        # What is declared may be refused for more: a server takes quotes in a selector for its own.
        ours = unsettable(rules) or unwritable(name, rules, acl_file=acl_file)
        assert ours or same, (name, rules)
        assert same or not any(rule.startswith("(") for rule in rules) or said
        tried, wrong = tried + 1, wrong + (not same)
        redis_server.kill()
        for path, content in files.items():
            path.write_bytes(content)
        redis_server.start()
    assert tried > 80
    has_selectors = release(redis_server)[1] >= (7,)
    assert wrong > 20 if not acl_file else wrong > 3 if has_selectors else wrong == 0


VALUES = [
    "a'b",
    'a"b',
    "a b",
    "a\\b",
    "#a",
    "'ab'",
    '"ab"',
    "a\x01b",
    "é",
    "",
    " a ",
    "a\\",
    "\\x41",
    "a\tb",
    "a\nb",
    '""',
]

NOT_TRIED = {"dir", "dbfilename", "port", "tls-port", "rdma-port", "bind", "requirepass", "maxclients", "rdma-bind"}
"""Where the data is, and where the test finds the server again."""


def test_values_of_parameters_come_back_as_they_were(redis_server):
    """Of all parameters that take such a value: CONFIG REWRITE quotes them, so that nothing has to be refused."""
    tried = 0
    for value in VALUES:
        with closing(redis.Redis(port=redis_server.port, decode_responses=True, protocol=2)) as client:
            first = client.config_get("*")
            taken = []
            for name in first.keys() - NOT_TRIED:
                try:
                    client.config_set(name, value)
                    taken.append(name)
                except redis.ResponseError:
                    pass
            before = client.config_get("*")
            client.config_rewrite()
        redis_server.kill()
        redis_server.start()
        with closing(redis.Redis(port=redis_server.port, decode_responses=True, protocol=2)) as client:
            after = client.config_get("*")
            assert {name: after[name] for name in taken} == {name: before[name] for name in taken}, value
            for name in taken:
                client.config_set(name, first[name])
        tried += len(taken)
    assert tried > 6 * len(VALUES)


MANY = 1000


@pytest.mark.thorough
def test_a_file_is_old_or_new_whenever_the_server_is_killed(redis_server, redis_client):
    """While it writes a thousand users: they are written to another file, which then takes its place."""
    pipeline = redis_client.pipeline(transaction=False)
    for number in range(MANY):
        pipeline.execute_command("ACL", "SETUSER", f"user-{number}", "on", ">secret", "~a:*", "+get")
    pipeline.execute()
    redis_client.config_rewrite()
    found = set()
    for milliseconds in (0, 1, 2, 3, 5, 8, 13):
        with closing(redis.Redis(port=redis_server.port)) as client:
            client.execute_command("ACL", "SETUSER", "one-more", "on", ">secret", "~a:*", "+get")
            timer = threading.Timer(milliseconds / 1000, redis_server.process.kill)
            timer.start()
            with suppress(redis.RedisError):
                client.config_rewrite()
            timer.join()
        redis_server.kill()
        redis_server.start()
        with closing(redis.Redis(port=redis_server.port)) as client:
            found.add(len(client.execute_command("ACL", "USERS")))
    assert found <= {MANY + 1, MANY + 2}, "and default"


REFUSED = [
    ("bob", "on ~it's:* +get", "a pattern with a quote"),
    ("a'b", "on ~a:* +get", "a name with a quote"),
    ('"ab"', "on ~a:* +get", "a name in quotes, which vanish"),
    ("bob", "on ~'ab' +get", "a pattern in quotes, which vanish"),
    ("bob", 'on resetchannels &a"b +get', "a channel with a quote"),
]

REFUSED_WITH_SELECTORS = [
    ("bob", "on (~bar))", "a slip: the pattern is bar)"),
    ("bob", "on (~a) +get)", "a pattern that closes its selector"),
    ("bob", "on (~it's +get)", "a quote in a selector"),
]


@pytest.mark.parametrize(("name", "rules", "reason"), REFUSED, ids=[case[2] for case in REFUSED])
def test_it_is_refused_where_the_configuration_would_hold_it(name, rules, reason, redis_server):
    plan = plan_for(at(redis_server), users({name: rules}))
    assert plan.changes == ()
    [notice] = plan.notices
    assert notice.type is NoticeType.BLOCKED
    assert "would write it down, and not read the same again" in notice.message
    start_with_acl_file(redis_server)
    assert apply(plan_for(at(redis_server), users({name: rules})), at(redis_server), allowed=ALLOWED).succeeded
    redis_server.kill()
    redis_server.start()
    assert plan_for(at(redis_server), users({name: rules})).is_empty


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize("acl_file", [False, True], ids=["configuration", "ACL file"])
@pytest.mark.parametrize(
    ("name", "rules", "reason"), REFUSED_WITH_SELECTORS, ids=[case[2] for case in REFUSED_WITH_SELECTORS]
)
def test_it_is_refused_in_selectors(name, rules, reason, acl_file, redis_server):
    if acl_file:
        start_with_acl_file(redis_server)
    try:
        plan = plan_for(at(redis_server), users({name: rules}))
    except DesiredError:
        return  # refused where it is declared
    assert plan.changes == ()
    assert [notice.type for notice in plan.notices] == [NoticeType.BLOCKED]


def test_a_quote_in_a_command_is_refused_where_it_is_declared():
    """ACL SETUSER with it ended Valkey 9.1.2."""
    with pytest.raises(DesiredError, match="is no rule"):
        users({"bob": "on +select|a'b"})


@pytest.mark.redis(">= 7")
def test_rules_behind_a_selector_are_as_good_as_before_it(redis_server):
    resources = users({"bob": "on (~a +get) ~b (+set) &*"})
    assert apply(plan_for(at(redis_server), resources), at(redis_server), allowed=ALLOWED).succeeded
    redis_server.kill()
    redis_server.start()
    assert plan_for(at(redis_server), resources).is_empty


STRANGERS = [
    ("a'b", ("~a:*", "+get"), "a name"),
    ("stranger", ("~it's:*", "+get"), "a pattern"),
    ("stranger", ('~"ab"', "+get"), "quotes that vanish"),
    ("", ("~a:*", "+get"), "no name at all"),
]


@pytest.mark.parametrize(("name", "rules", "reason"), STRANGERS, ids=[case[2] for case in STRANGERS])
def test_a_strangers_user_is_written_by_no_change_of_ours(name, rules, reason, redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", name, "on", ">secret", *rules)
    before = redis_server.conf.read_text()
    for resources in (declared({"hz": "20"}), users({"app": "on ~app:* +get"})):
        plan = plan_for(at(redis_server), resources)
        assert plan.changes == ()
        [notice] = plan.notices
        assert notice.type is NoticeType.BLOCKED
        assert f"CONFIG REWRITE would write the user {name!r}" in notice.message
    assert redis_server.conf.read_text() == before
    redis_client.execute_command("ACL", "DELUSER", name)
    assert apply(plan_for(at(redis_server), declared({"hz": "20"})), at(redis_server)).succeeded
    redis_server.kill()
    redis_server.start()


def test_who_came_after_the_plan_makes_it_stale(redis_server, redis_client):
    plan = plan_for(at(redis_server), declared({"hz": "20"}))
    redis_client.execute_command("ACL", "SETUSER", "a'b", "on", ">secret", "~a:*", "+get")
    before = redis_server.conf.read_text()
    receipt = apply(plan, at(redis_server))
    assert not receipt.succeeded
    assert "CONFIG REWRITE would write the user" in receipt.changes[0].message
    assert redis_server.conf.read_text() == before


@pytest.mark.parametrize("wanted", ["absent", "on ~fine:* +get"])
def test_such_a_user_is_mended_without_being_written_before(wanted, redis_server, redis_client):
    """The file is usually written once before a user is changed, to see that it can be."""
    redis_client.execute_command("ACL", "SETUSER", "bob", "on", ">secret", "~it's:*", "+get")
    resources = users({"bob": wanted})
    assert apply(plan_for(at(redis_server), resources), at(redis_server), allowed=ALLOWED).succeeded
    redis_server.kill()
    redis_server.start()
    assert plan_for(at(redis_server), resources).is_empty


@pytest.mark.redis(">= 7")
def test_a_strangers_selector_is_not_saved_with_an_acl_file(redis_server):
    start_with_acl_file(redis_server)
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "stranger", "on", ">secret", "(~bar))")
    [notice] = plan_for(at(redis_server), users({"app": "on ~app:* +get"})).notices
    assert "ACL SAVE would write the user 'stranger'" in notice.message
    # The configuration holds no users there.
    assert apply(plan_for(at(redis_server), declared({"hz": "20"})), at(redis_server)).succeeded
    redis_server.kill()
    redis_server.start()


def test_who_may_not_see_all_users_is_told_so(redis_server, redis_client):
    needed = "+config|get +config|set +config|rewrite" if release(redis_server)[1] >= (7,) else "+config"
    redis_client.execute_command("ACL", "SETUSER", "tool", "on", ">tool-secret", "+info", *needed.split())
    redis_client.config_rewrite()
    target = RedisTarget(name="cache", url=redis_server.url("tool", "tool-secret"))
    [change] = plan_for(target, declared({"hz": "20"}), Secrets({})).changes
    assert "needs +acl|list" in change.forbidden


def test_a_user_who_comes_while_the_file_is_written_is_no_success(redis_server, redis_client):
    """Before, an apply that had looked said "Nothing remains", and the server did not start again."""
    redis_client.execute_command("ACL", "SETUSER", "a'b", "on", "~*")
    with pytest.raises(WrittenWrong, match="the server must not be restarted"):
        config_rewrite.write(redis_client, ("CONFIG", "REWRITE"))
    redis_client.execute_command("ACL", "DELUSER", "a'b")
    config_rewrite.write(redis_client, ("CONFIG", "REWRITE"))
    redis_server.kill()
    redis_server.start()


def test_a_user_who_is_gone_again_is_not_left_in_the_file(redis_server, redis_client, monkeypatch):
    redis_client.execute_command("ACL", "SETUSER", "a'b", "on", "~*")

    def pauses() -> Iterator[float]:
        yield 0.0
        redis_client.execute_command("ACL", "DELUSER", "a'b")
        yield 0.0

    monkeypatch.setattr(config_rewrite, "PAUSES", pauses())
    config_rewrite.write(redis_client, ("CONFIG", "REWRITE"))
    assert not any(line.startswith("user a'b") for line in redis_server.conf.read_text().splitlines()), "but a comment"
    redis_server.kill()
    redis_server.start()


@pytest.mark.parametrize("where", ["itself", "included"])
def test_a_pipe_in_the_place_of_a_file_hangs_nobody(redis_server, tmp_path, where):
    """Before, every verb waited for whoever would write into it."""
    conf = redis_server.conf
    kept = conf.read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if where == "itself":
        conf.unlink()
        conf.symlink_to(pipe)
    else:
        conf.write_text(f"{kept}\ninclude {pipe}\n")
    target = at(redis_server)
    plan = plan_for(target, declared({"maxmemory": "100mb"}, target))
    assert any("is not a regular file" in notice.message for notice in plan.notices), plan.notices
    conf.unlink()
    conf.write_text(kept)
    receipt = apply(plan_for(target, declared({"maxmemory": "100mb"}, target)), target)
    assert receipt.succeeded, message(receipt)
    assert plan_for(target, declared({"maxmemory": "100mb"}, target)).is_empty


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize("rules", ["on %RW~* ~foo +get", "on %R~* ~foo %W~* +get", "on +get (%RW~* ~foo +get)"])
def test_a_pattern_behind_all_keys_is_not_written_down(rules, redis_server):
    """On the code before it was applied, "nothing remains to be changed", and the server did not start any more."""
    plan = plan_for(at(redis_server), users({"app": rules}))
    [notice] = plan.notices
    assert (plan.changes, notice.type) == ((), NoticeType.BLOCKED)
    assert "behind ~*" in notice.message
    with closing(redis.Redis(port=redis_server.port, decode_responses=True, protocol=2)) as client:
        client.execute_command("ACL", "SETUSER", "stranger", "on", "%RW~*", "~foo", "+get")
    plan = plan_for(at(redis_server), declared({"hz": "20"}))
    assert plan.changes == ()
    assert "CONFIG REWRITE would write the user 'stranger'" in plan.notices[0].message
