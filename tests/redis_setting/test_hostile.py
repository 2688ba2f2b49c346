"""No declared setting keeps the tool out, or the server from starting: with every hazard allowed, and a restart."""

from __future__ import annotations

import subprocess
from contextlib import closing, suppress

import pytest
import redis
from clusters.ports import lasting_port
from fix_servers import ONCE
from live import changes, converge, outcomes, run
from redis_setting.declared import declared, env

from reconciler.demo.server_process import ServerFailed
from reconciler.errors import DesiredError, StepFailed
from reconciler.kinds.redis_setting import KIND
from reconciler.kinds.redis_setting.risk.lockout import locks_out
from reconciler.kinds.redis_setting.values import parameters
from reconciler.kinds.redis_setting.values.accepted_ranges import bounds
from reconciler.model import Difference, Notice, NoticeType, RedisTarget
from reconciler.secrets import Secrets

pytestmark = pytest.mark.rotated

SECRETS = Secrets({"SECRET": 'p"ass w\\ord ä'})
CREDENTIALS = {"default": (env("SECRET"),)}

LOCKS_OUT = [
    ("bind", "127.0.0.2", "another address of this machine"),
    ("bind", "-127.0.0.2", "the same, and optional"),
    ("bind", "-::1", "the other family"),
    ("bind", "-192.0.2.1", "an address that nobody has"),
    ("bind", "::*", "every address of the other family"),
    ("bind", "", "none at all"),
    ("maxclients", "1", "no connection for us"),
    ("maxclients", "10", "few"),
    ("client-output-buffer-limit", "normal 1k 1k 1", "answers that are never delivered"),
    ("client-output-buffer-limit", "normal 0 1 0", "a soft limit that is none"),
    ("client-output-buffer-limit", "replica 0 0 0 normal 1 0 0", "among other classes"),
    ("maxmemory-clients", "1", "clients that are closed at once"),
    ("maxmemory-clients", "100kb", "clients that are closed when there are several"),
    ("tls-replication", "yes", "what makes a server crash that has no certificate"),
    ("tls-cluster", "yes", "and this as well"),
    ("port", "1", "another port"),
    ("tls-port", "1", "another port for TLS"),
]
HOSTILE = [
    *(case[:2] for case in LOCKS_OUT),
    ("maxclients", "4294967295"),
    ("maxclients", "1000000"),
    ("maxmemory", "1"),
    ("maxmemory", "18446744073709551615"),
    ("timeout", "1"),
    ("tcp-keepalive", "0"),
    ("hz", "500"),
    ("io-threads", "4"),
    ("protected-mode", "yes"),
    ("requirepass", env("SECRET")),
    ("masterauth", env("SECRET")),
    ("masteruser", env("SECRET")),
    ("dbfilename", "redis.conf"),
    ("dir", "/proc"),
    ("appendonly", "yes"),
    ("appenddirname", "/"),
    ("aclfile", "/nowhere/users.acl"),
    ("logfile", "/nowhere/redis.log"),
    ("unixsocket", "/nowhere/s"),
    ("replicaof", "192.0.2.1 6379"),
    ("cluster-enabled", "yes"),
    ("databases", "1"),
    ("save", "1 1"),
    ("tls-auth-clients", "yes"),
    ("tls-cert-file", "/nowhere/cert.pem"),
    ("tls-protocols", "nonsense"),
    ("proc-title-template", "{nonsense}"),
    ("locale-collate", "nonsense"),
    ("bind-source-addr", "nonsense"),
    ("oom-score-adj-values", "2000 2000 2000"),
    ("oom-score-adj", "absolute"),
    ("client-query-buffer-limit", "1mb"),
    ("proto-max-bulk-len", "1mb"),
    ("notify-keyspace-events", "KEA"),
    ("acl-pubsub-default", "resetchannels"),
    ("min-replicas-to-write", "3"),
    ("lua-time-limit", "0"),
    ("loglevel", "nothing"),
    ("extended-redis-compatibility", "yes"),
    ("import-mode", "yes"),
    ("rename-command", 'CONFIG ""'),
    ("slowlog-max-len", "0"),
    ("shutdown-on-sigterm", "nosave force now"),
    ("replica-announce-ip", 'a "b" \\c\\ #d'),
    ("replica-announce-ip", "'"),
]


def at(redis_server, url=""):
    return RedisTarget(name="cache", url=url or redis_server.url(), memory=8 << 30, credentials=CREDENTIALS)


def still_works(redis_server, hz):
    """The tool connects, plans, and changes settings."""
    converge(KIND, at(redis_server), declared({"hz": hz, "maxmemory-samples": hz}), SECRETS)


@pytest.mark.parametrize(("name", "value"), HOSTILE, ids=[f"{name} {value}" for name, value in HOSTILE])
def test_whatever_is_declared_the_tool_gets_in_again_after_a_restart(name, value, redis_server):
    try:
        resources = declared({name: value})
    except DesiredError:
        return
    found = changes(KIND, at(redis_server), resources, SECRETS)
    with suppress(StepFailed):  # the server's own refusal is as good
        run(at(redis_server), found, SECRETS)
    still_works(redis_server, "30")
    redis_server.restart()
    still_works(redis_server, "20")


@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_with_every_number_at_its_end_the_tool_gets_in_again(end, redis_server, redis_client):
    product, version = redis_server.folder.name.title().split("-")[:2]
    version = tuple(map(int, version.split(".")))
    ends = {name: bounds(name, product, version) for name in redis_client.config_get("*")}
    section = {
        name: str(found[end])
        for name, found in ends.items()
        if found and name not in parameters.ALIASES and not (end and name in ("io-threads", "prefetch-batch-max-size"))
    }
    for found in changes(KIND, at(redis_server), declared(section), SECRETS):
        with suppress(StepFailed):
            run(at(redis_server), [found], SECRETS)
    still_works(redis_server, "30")
    redis_server.restart()
    still_works(redis_server, "20")


@pytest.mark.parametrize(("name", "value", "reason"), LOCKS_OUT[:-2], ids=[case[2] for case in LOCKS_OUT[:-2]])
def test_what_would_lock_the_tool_out_is_said_and_would_really_do_it(name, value, reason, redis_server, redis_client):
    if not redis_client.config_get(name):
        return
    [notice] = outcomes(KIND, at(redis_server), declared({name: value}))
    assert isinstance(notice, Notice)
    assert notice.type is NoticeType.BLOCKED
    assert notice.message.startswith("this tool would be locked out: ")


@pytest.mark.parametrize(
    ("name", "value"), [("bind", "127.0.0.2"), ("bind", "-192.0.2.1"), ("client-output-buffer-limit", "normal 1k 1k 1")]
)
def test_the_server_would_have_taken_it_and_nobody_could_come_in(name, value, redis_server, redis_client):
    with suppress(redis.ConnectionError):
        redis_client.config_set(name, value)
    client = redis.Redis(port=redis_server.port, protocol=2, retry=ONCE)
    with closing(client), pytest.raises(redis.ConnectionError):
        [client.execute_command(*command) for command in (("ACL", "CAT", "fast"), ("CONFIG", "GET", "*"))]


PLANNED_ONLY = [
    ("bind", "127.0.0.1", {"client": {"laddr": "/run/s:0"}}, "", "over a socket of the file system"),
    ("bind", "::1 127.0.0.1", {"client": {"laddr": "[::1]:6379"}}, "", "IPv6"),
    ("bind", "0:0:0:0:0:0:0:1", {"client": {"laddr": "[::1]:6379"}}, "", "the same address in other words"),
    ("bind", "* -::*", {"client": {"laddr": "192.0.2.1:6379"}}, "", "every address"),
    ("bind", "localhost", {"client": {"laddr": "127.0.0.1:6379"}}, "", "its name"),
    ("bind", "127.0.0.1", {}, "needs +client|info", "CLIENT INFO is denied"),
    ("protected-mode", "yes", {"client": {"addr": "127.0.0.1:5"}, "acl": {"flags": ["nopass"]}}, "", "from here"),
    ("protected-mode", "yes", {"client": {"addr": "192.0.2.1:5"}, "acl": {"flags": ["on"]}}, "", "with a password"),
    (
        "protected-mode",
        "yes",
        {"client": {"addr": "192.0.2.1:5"}, "acl": {"flags": ["nopass"]}},
        "answer nobody",
        "from afar without",
    ),
    ("maxmemory", "1mb", {"maxmemory-clients": {"maxmemory-clients": "5%"}}, "closed beyond", "a share of little"),
    ("maxmemory", "1gb", {"maxmemory-clients": {"maxmemory-clients": "5%"}}, "", "a share of enough"),
    ("maxmemory-clients", "5%", {"memory": {"maxmemory": 0}}, "", "a share of no limit"),
    ("maxmemory-clients", "1%", {"memory": {"maxmemory": 1 << 20}}, "closed beyond", "a share of a small one"),
    ("tls-auth-clients", "yes", {"encrypted": True}, "by TLS itself", "a certificate from those who come by TLS"),
    ("tls-auth-clients", "yes", {"encrypted": False}, "", "from those who do not"),
    ("maxclients", "1000", {"clients": {"connected_clients": 990}}, "990 clients", "others are many"),
]


@pytest.mark.parametrize(
    ("name", "value", "beside", "message", "reason"), PLANNED_ONLY, ids=[c[4] for c in PLANNED_ONLY]
)
def test_what_locks_out_depends_on_the_way_in(name, value, beside, message, reason):
    """Only loopback is contacted by tests, so that the way in is told."""
    said = locks_out(name, value, beside)
    assert message in said
    assert bool(said) == bool(message)


def test_over_tls_nothing_of_tls_is_changed_and_all_else_is(redis_server, redis_client, tmp_path):
    """Debian's build has TLS; the wheels' have not: 6.2 knows nothing of it, Valkey says so when it starts."""
    if not redis_client.config_get("tls-port"):
        pytest.skip("this server is built without TLS")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    port = lasting_port()
    redis_server.stop()
    with redis_server.conf.open("a") as conf:
        conf.write(
            f"tls-port {port}\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-ca-cert-file {certificate}\n"
        )
        conf.write("tls-auth-clients no\n")
    try:
        redis_server.start()
    except ServerFailed:
        assert "Failed finding TLS support" in redis_server.log
        pytest.skip("this server is built without TLS")
    over_tls = at(redis_server, f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none")
    for name, value in (("tls-auth-clients", "yes"), ("tls-protocols", "TLSv1"), ("tls-ciphers", "NULL")):
        [notice] = outcomes(KIND, over_tls, declared({name: value}))
        assert "it comes in by TLS itself" in notice.message
    assert len(converge(KIND, over_tls, declared({"hz": "30"}))) == 1
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.config_set("hz", "40")
    found = converge(KIND, over_tls, declared({"hz": "40"}))
    assert all(change.difference is Difference.NOT_PERSISTED for change in found)
    assert len(found) == 1, "the file, which has a line for it, is read over TLS too"
    assert len(converge(KIND, at(redis_server), declared({"tls-auth-clients": "yes"}))) == 1
