"""Users of a server, written down as YAML of which a plan is empty, without their passwords."""

from __future__ import annotations

import subprocess
from hashlib import sha256

import pytest
import redis
from importing import imported, planned, sections, values
from live import run, start_with_acl_file
from waiting import until_it_answers

from reconciler.demo.redis_server import RedisServer
from reconciler.model import NoticeType, RedisTarget, Target
from reconciler.yaml.writing import LeftOut

SECRET = "hunter2-planted"

USERS = {
    "app": ["on", f">{SECRET}", "~app:*", "+@all", "-@dangerous"],
    "two-passwords": ["on", f">{SECRET}", f">{SECRET}-too", "~*", "&*", "+@read", "-@dangerous", "+info"],
    "nobody": ["off"],
    "open": ["on", "nopass", "allkeys", "allcommands", "-flushall", "-config", "+config|get"],
    "null": ["on", f">{SECRET}", "resetchannels", "&news:*", "&{x}#", "~a:[b]*", "~\\", "+get"],
    "we\\ird#:x": ["on", f"#{sha256(SECRET.encode()).hexdigest()}", "+@string", "-append", "+select|0"],
    "9": ["on", f">{SECRET}", "skip-sanitize-payload", "~*", "+@all", "-@admin"],
}
SINCE_7 = {
    "selectors": ["on", f">{SECRET}", "%R~read:*", "%W~write:*", "+get", "(~other:* +set -@dangerous)", "(+ping)"],
}


def target(server: RedisServer, user: str = "", password: str = "") -> Target:
    return RedisTarget(name="cache", url=server.url(user, password))


def make(server, client) -> dict[str, list[str]]:
    made = USERS | ({} if "redis-6" in server.folder.name else SINCE_7)
    for name, rules in made.items():
        client.execute_command("ACL", "SETUSER", name, *rules)
    client.config_rewrite()
    return made


QUOTED = {"it's": ["on", f">{SECRET}", "~a:*", "+get"], "plain": ["on", f">{SECRET}", "~it's:*", '~"', "+get"]}


def test_quotes_come_back_from_an_acl_file_and_from_a_configuration_only_as_what_cannot_be(redis_server, redis_client):
    """A configuration file keeps no quotes of users; on the code before, they were declared, and a start failed."""
    for name, rules in QUOTED.items():
        redis_client.execute_command("ACL", "SETUSER", name, *rules)
    users = sections(target(redis_server))["users"].value
    left = [names for names, why in users.items() if isinstance(why, LeftOut) and "would write it" in why.reason]
    assert set(", ".join(left).split(", ")) == QUOTED.keys()
    start_with_acl_file(redis_server)
    with redis.Redis(port=redis_server.port) as client:
        for name, rules in QUOTED.items():
            client.execute_command("ACL", "SETUSER", name, *rules)
        client.execute_command("ACL", "SAVE")
    assert QUOTED.keys() <= values(sections(target(redis_server))["users"]).keys()


def test_users_of_all_sorts_come_back_as_they_are_and_make_the_same_of_another_server(
    redis_server, redis_client, tmp_path
):
    made = make(redis_server, redis_client)
    text = imported(target(redis_server))
    assert "cannot be declared" not in text
    found = values(sections(target(redis_server))["users"])
    assert found.keys() == made.keys()
    plan = planned(tmp_path / "one", target(redis_server), text)
    assert (plan.changes, plan.notices) == ((), ())
    assert SECRET not in text
    assert sha256(SECRET.encode()).hexdigest() not in text

    other = RedisServer(redis_server.folder.with_name(f"{redis_server.folder.name}-other"), redis_server.binary)
    other.start()
    try:
        users = text.partition("settings:")[0]
        run(target(other), planned(tmp_path / "two", target(other), users).changes)
        assert planned(tmp_path / "two", target(other), users).changes == ()
        # 6.2 and 7.0 give commands in an order of their own.
        assert words(values(sections(target(other))["users"])) == words(found)
    finally:
        other.stop()


def words(users):
    return {name: sorted(user["rules"].split()) for name, user in users.items()}


def test_comments_say_how_each_logs_in_and_how_to_declare_it(redis_server, redis_client):
    make(redis_server, redis_client)
    text = imported(target(redis_server))
    assert f"users:  # kept in {redis_server.conf}\n" in text
    text = text.replace("\n  # ", " ")
    for said in (
        "its password is kept as it is; declare it by password: {env: APP_REDIS_PASSWORD}",
        "its passwords are kept as they are; to have one alone, declare it by password: {env: TWO_PASSWORDS_",
        "has no password, so that nobody can log in as it",
        "needs no password",
        "declare it by password: {env: _9_REDIS_PASSWORD}",
    ):
        assert said in text


def test_a_new_server_has_no_users_to_declare(redis_server):
    assert "users" not in sections(target(redis_server))


def test_the_default_user_is_written_where_it_differs_and_a_password_alone_is_a_comment(
    redis_server, redis_client, tmp_path
):
    redis_client.config_set("requirepass", SECRET)
    redis_client.config_rewrite()
    seen = target(redis_server, "default", SECRET)
    text = imported(seen)
    assert "  # default: as on a new server, but for its login: its password is kept as it is" in text
    assert values(sections(seen)["users"]) == {}
    assert planned(tmp_path / "one", seen, text).changes == ()
    redis_client.execute_command("ACL", "SETUSER", "default", "-flushall")
    redis_client.config_rewrite()
    text = imported(seen)
    assert SECRET not in text
    assert "default" in values(sections(seen)["users"])
    assert planned(tmp_path / "two", seen, text).changes == ()


def test_the_user_that_the_tool_logs_in_as_is_marked(redis_server, redis_client, tmp_path):
    grants = ["+ping", "+info", "+config|get", "+acl|whoami", "+acl|getuser", "+acl|cat", "+acl|users"]
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", f">{SECRET}", "-@all", *grants)
    redis_client.config_rewrite()
    seen = target(redis_server, "drift", SECRET)
    text = imported(seen)
    assert text.replace("\n  # ", " ").count("reconciler itself logs in as this user") == 1
    assert SECRET not in text
    assert planned(tmp_path / "one", seen, text).changes == ()


@pytest.mark.redis(">= 6.2")
def test_an_acl_file_is_named_as_where_users_are_kept(redis_server, tmp_path):
    redis_server.stop()
    file = redis_server.folder / "users.acl"
    password = f"#{sha256(SECRET.encode()).hexdigest()}"
    file.write_text(f"user default on nopass ~* &* +@all\nuser app on {password} ~* +@read\n")
    with redis_server.conf.open("a") as conf:
        conf.write(f"aclfile {file}\n")
    redis_server.start()
    text = imported(target(redis_server))
    assert f"users:  # kept in {file}\n" in text
    [line] = [number for number, line in enumerate(text.splitlines()) if f'  aclfile: "{file}"' in line]
    # The comment stands beside it, or above it where the path is long.
    assert '# of the file or command line, default ""' in "".join(text.splitlines()[line - 1 : line + 1])
    assert planned(tmp_path / "one", target(redis_server), text).changes == ()


def test_a_server_without_a_file_has_its_users_written_all_the_same(redis_server, redis_client, tmp_path):
    redis_server.stop()
    redis_server.conf.unlink()
    process = subprocess.Popen(
        [redis_server.binary, "--port", str(redis_server.port), "--bind", "127.0.0.1"],
        cwd=redis_server.folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until_it_answers(redis_client)
        redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{SECRET}", "~app:*", "+@read")
        text = imported(target(redis_server))
        assert "\nusers:\n" in text
        plan = planned(tmp_path / "one", target(redis_server), text)
        assert plan.changes == ()
        assert {notice.type for notice in plan.notices} == {NoticeType.NOT_PERSISTED}
        assert "app" in values(sections(target(redis_server))["users"])
    finally:
        process.kill()
        process.wait()
