"""Passwords changed under the tool's own connection: in one run, with the old URL or the new one, killed or not."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from hashlib import sha256
from urllib.parse import quote

import pytest
import redis
from fix_servers import ONCE
from live import changes, run
from redis_setting.declared import declared, env
from redis_user.declared_users import users

from reconciler.cli.app import run as command_line
from reconciler.desired.load import load
from reconciler.documents import receipt as receipt_file
from reconciler.errors import ConnectionFailed, DesiredError
from reconciler.kinds.redis_setting import KIND as SETTINGS
from reconciler.kinds.redis_user import KIND as USERS
from reconciler.kinds.registry import KINDS
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.redis.opening import open_connection

pytestmark = pytest.mark.rotated

OLD, NEW, APP = 'old p"ss:/@w\\rd ä', "new-passw0rd'{}#", "4pp-passw0rd"
PLANTED = [
    spelt
    for secret in (OLD, NEW, APP)
    for spelt in (secret, quote(secret, safe=""), sha256(secret.encode()).hexdigest(), json.dumps(secret)[1:-1])
]
DESIRED = """
targets: {cache: {redis: "${REDIS_URL}"}}
target: cache
settings:
  maxmemory: 100mb
  masterauth: {env: NEW_PASSWORD}
  requirepass: {env: NEW_PASSWORD}
users:
  tool: {rules: "on +@all", password: {env: NEW_PASSWORD}}
  app: {rules: "on ~app:* +@all -@dangerous", password: {env: APP_PASSWORD}}
"""
WAYS = ["default", "tool"]
END = "that-was-the-rotation"


@pytest.fixture
def rotated(redis_server, tmp_path, monkeypatch, capfd):
    """A server whose two users have the old password, and the command line, which never shows a secret."""
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{OLD}", "+@all")
        client.config_set("requirepass", OLD)
        client.execute_command("AUTH", OLD)
        client.config_set("masterauth", OLD)
        client.config_rewrite()
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "cache.yaml").write_text(DESIRED)
    monkeypatch.setenv("NEW_PASSWORD", NEW)
    monkeypatch.setenv("APP_PASSWORD", APP)

    def call(way, password, *arguments, code=0):
        monkeypatch.setenv("REDIS_URL", redis_server.url(way, quote(password, safe="")))
        capfd.readouterr()
        got = command_line(["--desired", str(tmp_path / "desired"), "--debug", *map(str, arguments)])
        said = "".join(capfd.readouterr())
        assert [secret for secret in PLANTED if secret in said] == []
        assert got == code, said
        return said

    return call


def secret_in(path):
    return [secret for secret in PLANTED if secret in path.read_text()]


@pytest.mark.parametrize("way", WAYS)
def test_one_run_rotates_all_with_the_old_url_and_both_urls_go_on_working(way, rotated, redis_server, tmp_path):
    saved, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    for view in ("text", "markdown", "json", "sql"):
        rotated(way, OLD, "plan", "--format", view, "--out", saved)
    rotated(way, OLD, "drift", code=2)
    rotated(way, OLD, "apply", saved, "--receipt", receipt)
    assert secret_in(saved) == secret_in(receipt) == []
    withheld = {change.address.name: change.withheld for change in receipt_file.read(receipt).changes}
    assert withheld["requirepass"] == withheld["masterauth"] == ("value",), "the old ones are in no file"
    assert (withheld["tool"], withheld["app"]) == (("password",), ())
    for _ in range(2):
        for password in (OLD, NEW):
            assert "No changes" in rotated(way, password, "plan")
            rotated(way, password, "drift")
        with (
            pytest.raises(redis.AuthenticationError),
            closing(redis.Redis(port=redis_server.port, password=OLD, retry=ONCE)) as client,
        ):
            client.ping()
        redis_server.restart()


@pytest.mark.parametrize("way", WAYS)
def test_a_new_url_before_the_rotation_is_refused_and_says_why(way, rotated):
    """The old password is nowhere any more: nobody can log in, and nothing is changed."""
    said = rotated(way, NEW, "plan", code=1)
    assert "refuses the user or the password" in said
    assert "was not tried" not in said


def test_after_the_rotation_an_old_url_without_the_secret_says_what_is_not_set(rotated, redis_server, monkeypatch):
    rotated("tool", OLD, "apply", "--yes", "--allow", "less-safe")
    monkeypatch.delenv("NEW_PASSWORD")
    said = rotated("tool", OLD, "plan", code=1)
    assert "the password declared for it, $NEW_PASSWORD, was not tried: it is not set" in " ".join(said.split())


@pytest.mark.parametrize(("way", "survivors"), list(zip(WAYS * 4, range(8), strict=True)))
def test_killed_after_any_step_the_next_run_finishes_with_either_url(way, survivors, rotated, redis_server):
    secrets = Secrets({"NEW_PASSWORD": NEW, "APP_PASSWORD": APP})
    url = redis_server.url(way, quote(OLD, safe=""))
    target = RedisTarget(name="cache", url=url, credentials=dict.fromkeys(WAYS, (env("NEW_PASSWORD"),)))
    wanted_users = users({"tool": ("on +@all", "NEW_PASSWORD")})
    wanted_settings = declared({"masterauth": env("NEW_PASSWORD"), "requirepass": env("NEW_PASSWORD")})
    found = [*changes(USERS, target, wanted_users, secrets), *changes(SETTINGS, target, wanted_settings, secrets)]
    steps = [(change, step) for change in found for step in change.steps]
    assert len(steps) == 9
    for change, step in steps[: survivors + 1]:
        run(target, [change.model_copy(update={"steps": (step,)})], secrets)
    if survivors % 2:
        redis_server.restart()
    rotated(way, OLD, "apply", "--yes", "--allow", "less-safe")
    redis_server.restart()
    assert "No changes" in rotated(way, OLD, "plan")
    assert "No changes" in rotated(way, NEW, "plan")


def test_what_the_server_itself_remembers_of_a_rotation_holds_no_secret(rotated, redis_server):
    """CONFIG SET of a secret, ACL SETUSER and AUTH are redacted in the slow log; MONITOR leaves them out."""
    with closing(redis.Redis(port=redis_server.port, password=OLD, protocol=2)) as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.config_set("slowlog-max-len", 10000)
        with socket.create_connection(("127.0.0.1", redis_server.port)) as monitor:
            ours = OLD.encode()
            monitor.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n*1\r\n$7\r\nMONITOR\r\n" % (len(ours), ours))
            rotated("tool", OLD, "apply", "--yes")
            client.execute_command("ECHO", END)
            watched = ""
            while END not in watched:
                part = monitor.recv(1 << 20).decode()
                assert part, "the server has closed it"
                watched += part
        client.response_callbacks.clear()
        slow = client.execute_command("SLOWLOG", "GET", "10000")
        denied = client.execute_command("ACL", "LOG")
        listed = client.execute_command("CLIENT", "LIST")
    commands = [b" ".join(entry[3]).decode(errors="replace") for entry in slow]
    assert any(command.startswith("CONFIG SET requirepass (redacted)") for command in commands)
    assert any(command.startswith("ACL SETUSER") for command in commands)
    assert "OK" in watched
    assert "PING" in watched.upper() or "INFO" in watched.upper()
    for text in (*commands, watched, repr(denied), repr(listed), redis_server.log):
        assert [secret for secret in PLANTED if secret in text] == []


def attempts(client):
    """Refused logins since the last reset."""
    return sum(int(entry["count"]) for entry in client.acl_log())


def test_each_declared_password_is_tried_once_and_none_where_none_is_asked_for(redis_server, redis_client):
    secrets = Secrets({"A": "wrong-a", "B": "wrong-b", "NEW": NEW})
    url = redis_server.url("default", "wrong-url")
    candidates = {"default": (env("A"), env("MISSING"), env("B"), env("NEW"))}
    target = RedisTarget(name="cache", url=redis_server.url(), credentials=candidates)
    with closing(open_connection(target, secrets)) as connection:
        assert connection.ping()
    assert "cmdstat_auth" not in redis_client.info("commandstats"), "no password was asked for, and none sent"
    redis_client.config_set("requirepass", NEW)
    with closing(redis.Redis(port=redis_server.port, password=NEW, decode_responses=True)) as client:
        client.acl_log_reset()
        for wrong in (url, redis_server.url()):
            target = RedisTarget(name="cache", url=wrong, credentials=candidates)
            with closing(open_connection(target, secrets)) as connection:
                assert connection.ping()
        assert attempts(client) == 3 + 2, "the URL's, where it has one, and the two before the right one"
        client.acl_log_reset()
        target = RedisTarget(name="cache", url=url, credentials={"default": (env("A"), env("B"))})
        with pytest.raises(ConnectionFailed) as failure:
            open_connection(target, secrets)
        assert attempts(client) == 3
        assert not [word for word in ("wrong-a", "wrong-b", "wrong-url") if word in str(failure.value)]
        target = RedisTarget(name="cache", url=url, credentials={"other": (env("NEW"),)})
        with pytest.raises(ConnectionFailed):
            open_connection(target, secrets)


def test_passwords_that_undo_each_other_are_refused_where_they_are_declared(tmp_path):
    (tmp_path / "cache.yaml").write_text(DESIRED + "  default: {rules: on ~* +@all, password: {env: APP_PASSWORD}}\n")
    secrets = Secrets({})
    with pytest.raises(DesiredError, match="the password of the user default is") as failure:
        load(tmp_path, KINDS, {"REDIS_URL": "redis://127.0.0.1:1"}, secrets)
    assert "$APP_PASSWORD" in str(failure.value)
    (tmp_path / "cache.yaml").write_text(DESIRED)
    loaded = load(tmp_path, KINDS, {"REDIS_URL": "redis://127.0.0.1:1"}, secrets)
    assert loaded.targets["cache"].credentials == {
        "default": (env("NEW_PASSWORD"),),
        "tool": (env("NEW_PASSWORD"),),
        "app": (env("APP_PASSWORD"),),
    }
