"""Declared, running, persisted: what a restart would bring, read from the files of a server on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import closing

import pytest
import redis
from clusters.ports import lasting_port
from live import changes, converge, outcomes, run, start_with
from redis_setting.declared import declared, env
from redis_setting.releases import is_known
from waiting import until_it_answers

from reconciler.kinds.redis_setting import KIND
from reconciler.model import Difference, NoticeType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.targets.redis.process import elsewhere
from reconciler.targets.redis.redis_conf import words_of

PASSWORD = 'corr"ect horse\\battery ä'


def at(redis_server, **more):
    return RedisTarget(name="cache", url=redis_server.url(), memory=8 << 30, **more)


def commands(change):
    return [" ".join(str(part) for part in step.command) for step in change.steps]


MUTABLE = {
    "hz": "20",
    "maxmemory": "1gb",
    "maxmemory-policy": "allkeys-lru",
    "save": "3600 1 300 100",
    "client-output-buffer-limit": "pubsub 64mb 16mb 90",
    "notify-keyspace-events": "KEA",
    "slave-priority": "50",
    "lua-time-limit": "4000",
    "proc-title-template": "{title} of 'ours'",
    "appendfsync": "always",
    "repl-diskless-sync": "no",
}


def test_killed_between_set_and_rewrite_the_next_plan_persists_and_nothing_else(redis_server):
    resources = declared(MUTABLE)
    first = [
        change.model_copy(update={"steps": change.steps[:1]}) for change in changes(KIND, at(redis_server), resources)
    ]
    run(at(redis_server), first)
    for change in changes(KIND, at(redis_server), resources):
        assert change.reason.startswith("a restart would bring ")
        assert str(redis_server.conf) in change.reason
        assert commands(change) == ["CONFIG REWRITE"]
        assert (
            change.before["value"] == change.after["value"] == change.after["persisted"] != change.before["persisted"]
        )
    converge(KIND, at(redis_server), resources)
    redis_server.restart()
    assert outcomes(KIND, at(redis_server), resources) == []


def test_what_the_file_has_and_does_not_run_is_said_so(redis_server):
    with redis_server.conf.open("a") as conf:
        conf.write("hz 20\ndatabases 32\n")
    mutable, fixed = outcomes(KIND, at(redis_server), declared({"hz": "20", "databases": "32"}))
    assert mutable.reason == f"{redis_server.conf}:4 has it"
    assert mutable.notes == (f"CONFIG REWRITE overwrites {redis_server.conf}:5, which waits for a restart",)
    assert fixed.type is NoticeType.WAITS_FOR_RESTART
    assert fixed.message.startswith(f"runs with 16; {redis_server.conf}:5 has 32, and a restart brings it, unless")
    redis_server.restart()
    assert outcomes(KIND, at(redis_server), declared({"hz": "20", "databases": "32"})) == []


def test_a_rewrite_takes_back_what_waits_for_a_restart_and_the_notice_said_it_would(redis_server, redis_client):
    [notice] = outcomes(KIND, at(redis_server), declared({"databases": "32"}))
    assert "databases 32; then restart, before the next CONFIG REWRITE writes 16 there again" in notice.message
    with redis_server.conf.open("a") as conf:
        conf.write("databases 32\n")
    redis_client.config_rewrite()
    assert "databases 16" in redis_server.conf.read_text()


def test_a_fixed_parameter_whose_line_was_changed_is_written_back(redis_server):
    start_with(redis_server, "databases 32\n")
    redis_server.conf.write_text(redis_server.conf.read_text().replace("databases 32", "databases 8"))
    [change] = converge(KIND, at(redis_server), declared({"databases": "32"}))
    assert change.reason == f"a restart would bring 8, from {redis_server.conf}:4"
    redis_server.restart()
    assert outcomes(KIND, at(redis_server), declared({"databases": "32"})) == []


LINES = [
    ("hz 20\nhz 30\n", "hz", "30", "the last line wins"),
    ("HZ 30\n", "hz", "30", "names in any case"),
    ("  hz\t30  \n", "hz", "30", "blanks around"),
    ('hz "30"\n', "hz", "30", "quotes"),
    ("hz '30'\n", "hz", "30", "single quotes"),
    ("# hz 40\nhz 30\n#hz 50\n", "hz", "30", "comments"),
    ("save 900 1\nsave 300 10\n", "save", "900 1 300 10", "save adds up"),
    ('save 900 1\nsave ""\nsave 300 10\n', "save", "300 10", "until it is emptied"),
    (
        "client-output-buffer-limit pubsub 1mb 1mb 5\nclient-output-buffer-limit slave 2mb 2mb 6\n",
        "client-output-buffer-limit",
        "replica 2mb 2mb 6 pubsub 1mb 1mb 5",
        "classes add up",
    ),
    ("slave-priority 30\n", "replica-priority", "30", "an old name"),
    ("maxmemory 1GB\n", "maxmemory", "1024mb", "units"),
    ('proc-title-template "{title} \\x41 \\"b\\" \'c\'"\n', "proc-title-template", "{title} A \"b\" 'c'", "escapes"),
    ("notify-keyspace-events EKA\n", "notify-keyspace-events", "AKE", "flags"),
    ("appendonly YES\n", "appendonly", "yes", "words in any case"),
]


@pytest.mark.parametrize(("text", "name", "value", "reason"), LINES, ids=[case[3] for case in LINES])
def test_the_file_is_read_as_the_server_reads_it(text, name, value, reason, redis_server):
    """In sync with what a start made of these lines, and no longer in sync with other lines."""
    start_with(redis_server, text)
    assert outcomes(KIND, at(redis_server), declared({name: value})) == []
    redis_server.conf.write_text(redis_server.conf.read_text().replace(text, ""))
    found = outcomes(KIND, at(redis_server), declared({name: value}))
    # What no line says any more is the default, where that is known; of `save` a line of the test's server is left.
    assert len(found) == (is_known(redis_server) or name == "save")
    assert all(change.difference is Difference.NOT_PERSISTED for change in found)


def test_what_an_included_file_says_is_beyond_a_rewrite(redis_server, redis_client):
    included = redis_server.folder / "included.conf"
    included.write_text("hz 20\n")
    start_with(redis_server, f"include {included}\n")
    assert outcomes(KIND, at(redis_server), declared({"hz": "20"})) == []
    redis_client = redis.Redis(port=redis_server.port)
    with closing(redis_client):
        redis_client.config_set("hz", "10")
        redis_client.config_rewrite()
    [notice] = outcomes(KIND, at(redis_server), declared({"hz": "10"}))
    assert notice.type is NoticeType.NOT_PERSISTED
    assert f"a restart would bring 20, from {included}:1" in notice.message
    redis_server.restart()
    [change] = changes(KIND, at(redis_server), declared({"hz": "10"}))
    assert change.summary == "20 → 10", "it was true"


class started:  # noqa: N801 - used like a function
    """A server with the file of `redis_server` and arguments of its own: a client, until it is closed."""

    def __init__(self, redis_server, port, *arguments):
        self.process = subprocess.Popen(
            [redis_server.binary, redis_server.conf, "--port", str(port), *arguments],
            stdout=subprocess.DEVNULL,
            cwd=redis_server.folder,
        )
        self.client = redis.Redis(port=port)
        until_it_answers(self.client)
        self.config_set = self.client.config_set

    def close(self):
        self.client.close()
        self.process.kill()
        self.process.wait()


def test_the_command_line_wins_where_the_server_shows_it(redis_server):
    redis_server.stop()
    with redis_server.conf.open("a") as conf:
        conf.write("set-proc-title no\nhz 30\n")
    port = lasting_port()
    target = RedisTarget(name="cache", url=f"redis://127.0.0.1:{port}/0")
    with closing(started(redis_server, port, "--hz", "20")) as client:
        assert outcomes(KIND, target, declared({"hz": "20", "port": str(port)})) == []
        client.config_set("hz", "30")
        [notice] = outcomes(KIND, target, declared({"hz": "30"}))
        assert "a restart would bring 20, from its command line" in notice.message


@pytest.mark.parametrize(
    ("arguments", "visible"),
    [
        ([], True),
        (["--supervised", "no"], False),
        (["--daemonize", "no"], True),
        (["--maxmemory", "100mb"], False),
        (["--hz 20"], False),
    ],
)
def test_arguments_that_the_server_hides_make_a_value_without_a_line_unknown(arguments, visible, redis_server):
    """It may be from there: then nothing is said of it, rather than something that is not true."""
    redis_server.stop()
    port = lasting_port()
    with closing(started(redis_server, port, *arguments)) as client:
        target = RedisTarget(name="cache", url=f"redis://127.0.0.1:{port}/0")
        client.config_set("hz", "20")
        assert len(changes(KIND, target, declared({"hz": "20"}))) == (visible and is_known(redis_server))


@pytest.mark.usefixtures("known_release")
def test_a_server_that_is_elsewhere_or_hides_its_file_is_told_nothing_of(redis_server, redis_client, monkeypatch):
    redis_client.config_set("hz", "20")
    assert len(outcomes(KIND, at(redis_server), declared({"hz": "20"}))) == 1
    with closing(connect(at(redis_server), Secrets({}))) as session:
        server = dict(session.server)
    with socket.create_connection(("127.0.0.1", redis_server.port)) as connection:
        connection.sendall(b"PING\r\n")
        connection.recv(64)
        assert not elsewhere(server, connection)
        assert elsewhere(server | {"process_id": os.getpid()}, connection), "another program"
        assert elsewhere(server | {"executable": "/bin/sh"}, connection)
        assert elsewhere(server | {"executable": "-"}, connection), "ElastiCache says this"
        assert elsewhere({}, connection), "INFO is denied"
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_connection(other.getsockname()) as connection:
        assert elsewhere(server, connection), "a process of that number and name that is not at the other end"
    redis_server.conf.rename(redis_server.folder / "elsewhere")
    assert outcomes(KIND, at(redis_server), declared({"hz": "20"})) == []


@pytest.mark.usefixtures("known_release")
def test_over_a_socket_of_the_file_system_the_file_is_read_too(redis_server):
    path = f"{redis_server.folder}/s"
    start_with(redis_server, f"unixsocket {path}\n")
    target = RedisTarget(name="cache", url=f"unix://{path}")
    with closing(redis.Redis(unix_socket_path=path)) as client:
        client.config_set("hz", "20")
    [change] = outcomes(KIND, target, declared({"hz": "20"}))
    assert change.difference is Difference.NOT_PERSISTED


@pytest.mark.parametrize("name", ["requirepass", "masterauth"])
def test_a_secret_that_is_in_no_file_is_persisted_and_shown_nowhere(name, redis_server, redis_client):
    secrets = Secrets({"SECRET": PASSWORD})
    redis_client.config_set(name, PASSWORD)
    target = at(redis_server, credentials={"default": (env("SECRET"),)})
    [change] = converge(KIND, target, declared({name: env("SECRET")}), secrets)
    assert change.reason.startswith("a restart would bring another one")
    assert commands(change) == ["CONFIG REWRITE"]
    assert PASSWORD not in change.model_dump_json() + repr(change)
    redis_server.restart()
    assert (
        outcomes(KIND, at(redis_server, credentials=target.credentials), declared({name: env("SECRET")}), secrets) == []
    )


def test_an_acl_file_decides_the_password_of_the_default_user(redis_server):
    secrets = Secrets({"SECRET": PASSWORD})
    acl = redis_server.folder / "users.acl"
    acl.write_text("")
    start_with(redis_server, f"aclfile {acl}\n")
    target = at(redis_server, credentials={"default": (env("SECRET"),)})
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.config_set("requirepass", PASSWORD)
        client.execute_command("AUTH", PASSWORD)
        client.config_rewrite()
    [change] = converge(KIND, target, declared({"requirepass": env("SECRET")}), secrets)
    assert commands(change) == ["CONFIG REWRITE", "ACL SAVE"]
    redis_server.restart()
    assert (
        outcomes(
            KIND, at(redis_server, credentials=target.credentials), declared({"requirepass": env("SECRET")}), secrets
        )
        == []
    )


def test_lines_are_taken_apart_as_the_server_does():
    assert words_of("a  b\tc") == ["a", "b", "c"]
    assert words_of('a "b c" \'d e\' ""') == ["a", "b c", "d e", ""]
    assert words_of(r'a "\x61\n\"\\" ' + r"'it\'s'") == ["a", 'a\n"\\', "it's"]
    assert words_of(r'a "\xc3\xa4"') == ["a", "ä"]
    assert words_of("  # a") == words_of("") == []
