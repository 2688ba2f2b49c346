from contextlib import closing

import pytest
import redis

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import RedisTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.redis.opening import open_connection
from reconciler.targets.redis.read_only_commands import READING
from reconciler.targets.redis.server_messages import said
from reconciler.targets.redis.session import Refusal, connect

PASSWORD = "correct-horse-battery"


def at(url: str, **more) -> Target:
    return RedisTarget(name="cache", url=url, **more)


@pytest.fixture
def session(redis_target, secrets):
    with closing(connect(redis_target, secrets)) as opened:
        yield opened


def test_the_server_is_described_as_a_plan_needs_it(session, redis_server):
    assert session.info.product in ("Redis", "Valkey")
    assert session.info.version.startswith(redis_server.folder.name.split("-")[1].rsplit(".", 1)[0])
    assert session.info.location == session.info.identity == f"127.0.0.1:{redis_server.port}"
    assert session.config_file == str(redis_server.conf)
    assert session.server["mode"] == "standalone"


WRITING = [
    ("SET", "a", "1"),
    ("CONFIG", "SET", "hz", "20"),
    ("config", "rewrite"),
    ("CONFIG", "RESETSTAT"),
    ("ACL", "SETUSER", "app", "on"),
    ("ACL", "DELUSER", "app"),
    ("ACL", "LOG", "RESET"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("MEMORY", "PURGE"),
    ("LATENCY", "RESET"),
    ("SLOWLOG", "RESET"),
    ("EVAL", "return redis.call('set', 'a', '1')", "0"),
    ("HELLO", "3"),
    ("MULTI",),
    ("CONFIG",),
    ("SHUTDOWN",),
    (),
]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: " ".join(command) or "nothing")
def test_a_command_that_could_write_is_refused_before_it_is_sent(command, redis_target, redis_server, redis_client):
    with closing(connect(redis_target, Secrets({}))) as session:
        before = redis_client.info("commandstats")
        with pytest.raises(ObservationFailed, match="only reads"):
            session.read(*command)
        with pytest.raises(ObservationFailed, match="only reads"):
            session.read_all([("PING",), command])
        after = redis_client.info("commandstats")
    assert {name: told["calls"] for name, told in after.items() if "info" not in name} == {
        name: told["calls"] for name, told in before.items() if "info" not in name
    }


def test_no_allowed_command_is_one_that_the_server_calls_a_write(redis_client):
    writes = set(redis_client.execute_command("ACL", "CAT", "write"))
    whole = {name for name in writes if "|" not in name}
    allowed = {name if subs is None else f"{name}|{sub}" for name, subs in READING.items() for sub in subs or ("",)}
    assert writes.isdisjoint({name.removesuffix("|") for name in allowed})
    # Of a command whose subcommands are judged each, the name alone is never sent.
    assert all(READING[name] for name in whole & READING.keys())


def test_config_get_takes_no_pattern(session):
    for pattern in ("*", "require*", "requirepas?", "requirepas[s]"):
        with pytest.raises(ObservationFailed, match="single names"):
            session.read("CONFIG", "GET", pattern)


def test_several_answers_come_in_one_pipeline_with_refusals_as_values(session):
    hz, unknown, nobody, nonsense, pong = session.read_all(
        [
            ("CONFIG", "GET", "hz"),
            ("CONFIG", "GET", "nonsense"),
            ("ACL", "GETUSER", "nobody"),
            ("LATENCY", "HISTORY"),
            ("PING",),
        ]
    )
    assert hz == {"hz": "10"}
    assert unknown == {}
    assert nobody is None
    assert isinstance(nonsense, Refusal)
    assert not nonsense.denied
    assert pong == "PONG"


def test_info_has_numbers_and_texts(session):
    memory = session.read("INFO", "memory")
    assert isinstance(memory["used_memory"], int)
    assert memory["maxmemory_policy"] == "noeviction"


def test_memory_is_as_declared_else_the_machines(redis_server, secrets):
    with closing(connect(at(redis_server.url(), memory=8 << 30), secrets)) as session:
        assert session.memory() == 8 << 30
    with closing(connect(at(redis_server.url()), secrets)) as session:
        assert session.memory() == session.read("INFO", "memory")["total_system_memory"]


def test_a_narrow_user_is_told_which_permission_is_missing(redis_server, redis_client, secrets):
    redis_client.execute_command("ACL", "SETUSER", "drift", "on", f">{PASSWORD}", "-@all", "+config|get")
    with closing(connect(at(redis_server.url("drift", PASSWORD)), secrets)) as session:
        assert session.read("CONFIG", "GET", "hz") == {"hz": "10"}
        refusal = session.read_all([("ACL", "GETUSER", "default")])[0]
        assert refusal == Refusal(
            "the user drift may not run ACL GETUSER: it needs +acl|getuser", denied=True, unknown=False
        )
        with pytest.raises(ObservationFailed, match=r"needs \+acl\|getuser"):
            session.read("ACL", "GETUSER", "default")
        assert session.info.product in ("Redis", "Valkey"), "HELLO tells what INFO may not"
        assert session.config_file is None
        assert session.memory() is None
    logged = redis_client.execute_command("ACL", "LOG")
    assert not [entry for entry in logged if "client" in str(entry["object"])], "no CLIENT SETINFO on connecting"


def refused(url: str) -> str:
    secrets = Secrets({})
    with pytest.raises(ConnectionFailed) as failure:
        connect(at(url), secrets)
    return str(failure.value)


def test_a_wrong_password_is_an_error_without_the_password(redis_server, redis_client):
    redis_client.config_set("requirepass", PASSWORD)
    for url in (redis_server.url("", "not-the-password"), redis_server.url("default", "not-the-password")):
        message = refused(url)
        assert "refuses the user or the password" in message
        assert "not-the-password" not in message


def test_an_unknown_user_and_one_that_is_off_are_refused_alike(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "sleeper", "off", f">{PASSWORD}", "+@all")
    for user in ("nobody", "sleeper"):
        assert "refuses the user or the password" in refused(redis_server.url(user, PASSWORD))


def test_a_missing_password_is_said_to_be_missing(redis_server, redis_client):
    redis_client.config_set("requirepass", PASSWORD)
    assert "wants a password, and the URL has none" in refused(redis_server.url())


def test_a_url_may_already_carry_the_password_that_is_not_set_yet(redis_server, redis_client, secrets):
    with closing(connect(at(redis_server.url("", PASSWORD)), secrets)) as session:
        assert session.read("PING") == "PONG"
        assert session.logs_in_with(PASSWORD)
        redis_client.config_set("requirepass", PASSWORD)
        assert session.read("PING") == "PONG", "an open connection stays logged in"
    with closing(connect(at(redis_server.url("", PASSWORD)), secrets)) as session:
        assert session.read("PING") == "PONG"


def test_nobody_there_is_an_error_in_plain_words(redis_server):
    redis_server.stop()
    assert "Connection refused" in refused(redis_server.url("", PASSWORD))


BAD_URLS = [
    ("http://127.0.0.1:6379", "cannot be read", "another scheme"),
    ("127.0.0.1:6379", "cannot be read", "no scheme"),
    (f"redis://:{PASSWORD}@127.0.0.1:port/0", "cannot be read", "the port is no number"),
    ("redis://", "cannot be read", "no host"),
    ("unix://", "cannot be read", "no path"),
    (f"redis://:{PASSWORD}@127.0.0.1:1/0?colour=red", "unknown option", "an option that the driver lacks"),
    ("redis://127.0.0.1:1/0?timeout=4", "unknown option", "an option of another pool than is used"),
    ("redis://127.0.0.1:1/0?max_connections=3&client_name=x", "Connection refused", "options that there are"),
    ("rediss://127.0.0.1:1/0?ssl_cert_reqs=none", "Connection refused", "an option of TLS"),
    ("redis://127.0.0.1:1/0?ssl_cert_reqs=none", "unknown option", "an option of TLS without it"),
    ("redis://127.0.0.1:1/0?protocol=3", "may not set", "an option that would change the shape of answers"),
    ("redis://127.0.0.1:1/0?socket_timeout=nan", "socket_timeout that is no time", "a time that is none"),
    ("redis://127.0.0.1:1/0?socket_connect_timeout=-1", "is no time", "a time that is negative"),
    ("redis://127.0.0.1:1/0?credential_provider=x", "unknown option", "an object, which no text can be"),
    ("redis://user:12?ss3cretpw=3@127.0.0.1:1/0", "has an unknown option", "a password with a question mark"),
    ("unix:///nowhere/redis.sock", "No such file", "no socket there"),
]


@pytest.mark.parametrize(("url", "message", "reason"), BAD_URLS, ids=[case[2] for case in BAD_URLS])
def test_a_bad_url_is_a_clear_error(url, message, reason):
    said_so = refused(url)
    assert message in said_so
    assert PASSWORD not in said_so


def test_a_missing_database_is_an_error(redis_server):
    assert "out of range" in refused(redis_server.url().replace("/0", "/99"))


def test_valkey_and_unix_urls_are_read(redis_server, redis_client, secrets, tmp_path):
    with closing(connect(at(redis_server.url().replace("redis://", "valkey://")), secrets)) as session:
        assert session.read("PING") == "PONG"
    redis_server.stop()
    socket = f"{redis_server.folder}/s"
    with redis_server.conf.open("a") as conf:
        conf.write(f"unixsocket {socket}\n")
    redis_server.start()
    with closing(connect(at(f"unix://{socket}"), secrets)) as session:
        assert session.read("PING") == "PONG"
        assert session.info.location == socket


def test_a_server_that_goes_away_is_a_connection_error(redis_server, session):
    redis_server.stop()
    with pytest.raises(ConnectionFailed):
        session.read("PING")
    session.close()


def test_a_server_that_does_not_answer_ends_in_a_timeout(redis_server, monkeypatch):
    monkeypatch.setattr("reconciler.targets.redis.opening.ANSWER_TIMEOUT", 0.2)
    with closing(redis.Redis.from_url(redis_server.url())) as sleeper:
        sleeper.execute_command("CLIENT", "PAUSE", "3600000", "ALL")
        assert "no answer in time" in refused(redis_server.url())


def test_a_connection_for_writing_writes(redis_target, redis_client, secrets):
    with closing(open_connection(redis_target, secrets)) as connection:
        assert connection.execute_command("CONFIG", "SET", "hz", "20")
    assert redis_client.config_get("hz") == {"hz": "20"}


def test_a_rewrite_that_cannot_be_written_is_said_in_plain_words(redis_server, redis_client):
    redis_server.conf.unlink()
    redis_server.conf.mkdir()
    with pytest.raises(redis.ResponseError) as failure:
        redis_client.execute_command("CONFIG", "REWRITE")
    assert "could not be written (Is a directory)" in said(failure.value)


@pytest.mark.redis(">= 7")
def test_an_immutable_setting_is_said_to_need_the_file_and_a_restart(redis_client):
    with pytest.raises(redis.ResponseError) as failure:
        redis_client.config_set("databases", "32")
    assert "only be changed in the configuration file, with a restart" in said(failure.value)
