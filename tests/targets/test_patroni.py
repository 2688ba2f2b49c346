"""Patroni's API, on a real cluster that wants a password of whoever changes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from clusters.patroni import PatroniCluster
from fix_servers import _numbers, postgres_binaries
from waiting import PATIENCE, until

from reconciler.errors import ConnectionFailed, ObservationFailed, ReconcilerError, StepFailed
from reconciler.secrets import Secrets
from reconciler.targets.patroni.api import Member, PatroniApi
from reconciler.targets.patroni.writing import PatroniWriter

PASSWORD = "p@ss/w:rd"
QUOTED = "p%40ss%2Fw%3Ard"

pytestmark = pytest.mark.usefixtures("needs_patroni")


@pytest.fixture(scope="module")
def guarded(folder) -> Iterator[PatroniCluster]:
    """Two nodes; on each `work_mem` is in the node's own file."""
    able = [binaries for binaries in postgres_binaries().values() if (binaries / "pg_basebackup").exists()]
    made = PatroniCluster(
        folder / f"patroni-guarded-{next(_numbers)}",
        able[0] if able else pytest.skip("no PostgreSQL with pg_basebackup is here"),
        nodes=2,
        rest={"authentication": {"username": "admin", "password": PASSWORD}},
        local={"parameters": {"unix_socket_directories": "", "fsync": "off", "work_mem": "5MB"}},
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


def urls(cluster: PatroniCluster, credentials: str = f"admin:{QUOTED}@") -> list[str]:
    return [node.api.replace("http://", f"http://{credentials}") for node in cluster.nodes.values()]


@pytest.fixture
def api(guarded) -> Iterator[PatroniApi]:
    made = PatroniApi("main", urls(guarded, ""), Secrets({}))
    yield made
    made.close()


@pytest.fixture
def writer(guarded) -> Iterator[PatroniWriter]:
    made = PatroniWriter("main", urls(guarded), Secrets({}))
    yield made
    made.close()


def shown(server, name: str) -> str:
    with psycopg.connect(server.url()) as connection:
        return connection.execute(f"show {name}").fetchone()[0]


def test_members_are_told_with_role_state_and_address(guarded, api) -> None:
    cluster = api.cluster()
    assert [member.name for member in cluster.members] == ["node1", "node2"]
    leader = guarded.leader()
    assert cluster.leader is not None
    assert cluster.leader.name == leader.name
    assert not cluster.paused
    for member in cluster.members:
        node = guarded.nodes[member.name]
        assert (member.host, member.port, member.api_url) == ("127.0.0.1", node.port, f"{node.api}/patroni")
        assert member.runs
        assert member.leads == (node is leader)
        assert member.role == ("leader" if node is leader else "replica")
        assert not member.pending_restart


def test_the_configuration_is_told_as_text(guarded, api) -> None:
    config = api.config()
    assert config.loop_wait == 1
    assert config.parameters == {
        "max_connections": "50",
        "wal_keep_size": "256MB",
        "wal_retrieve_retry_interval": "100ms",
    }
    assert config.content == guarded.config()


def test_a_patch_merges_and_none_removes_and_every_node_takes_it_up(guarded, api, writer) -> None:
    before = api.config()
    after = writer.patch_config({"log_checkpoints": "off", "log_min_duration_statement": "2s"})
    assert after.parameters == {**before.parameters, "log_checkpoints": "off", "log_min_duration_statement": "2s"}
    for node in guarded.nodes.values():
        until(lambda node=node: shown(node, "log_checkpoints") == "off", "a round")
        assert shown(node, "log_min_duration_statement") == "2s"

    assert writer.patch_config({"log_checkpoints": None, "log_min_duration_statement": None}) == before
    for node in guarded.nodes.values():
        until(lambda node=node: shown(node, "log_checkpoints") == "on", "a round")


def test_what_a_nodes_own_file_says_masks_the_configuration(guarded, writer) -> None:
    writer.patch_config({"work_mem": "9MB", "log_checkpoints": "off"})
    leader = guarded.leader()
    until(lambda: shown(leader, "log_checkpoints") == "off", "a round")
    assert shown(leader, "work_mem") == "5MB"
    writer.patch_config({"work_mem": None, "log_checkpoints": None})


def test_a_raised_setting_comes_true_by_restarts_of_replicas_and_then_of_the_leader(guarded, api, writer) -> None:
    writer.patch_config({"max_connections": "60"})
    waiting = writer.pending(["max_connections"], PATIENCE)
    for member in waiting.members:
        reason = member.pending_restart_reason["max_connections"]
        assert (reason.old_value, reason.new_value) == ("50", "60")
    leader = waiting.leader
    assert leader is not None
    assert [shown(node, "max_connections") for node in guarded.nodes.values()] == ["50", "50"]

    for member in sorted(waiting.members, key=lambda member: member.leads):
        after = writer.restart(member)
        assert after.runs
        assert shown(guarded.nodes[member.name], "max_connections") == "60"
    until(lambda: not any(member.pending_restart for member in api.cluster().members), "the members' word")
    assert api.cluster().leader.name == leader.name


def test_a_lowered_setting_comes_true_on_the_leader_first(guarded, api, writer) -> None:
    """A replica that is restarted first keeps the leader's value, and goes on waiting for a restart."""
    before = int(shown(guarded.leader(), "max_connections"))
    writer.patch_config({"max_connections": str(before - 10)})
    waiting = writer.pending(["max_connections"], PATIENCE)
    [replica] = [member for member in waiting.members if not member.leads]
    writer.restart(replica)
    assert shown(guarded.nodes[replica.name], "max_connections") == str(before)
    writer.pending(["max_connections"], PATIENCE)

    writer.restart(waiting.leader)
    assert shown(guarded.leader(), "max_connections") == str(before - 10)
    guarded.healthy()
    writer.restart(next(member for member in api.cluster().members if not member.leads))
    assert [shown(node, "max_connections") for node in guarded.nodes.values()] == [str(before - 10)] * 2
    until(lambda: not any(member.pending_restart for member in api.cluster().members), "the members' word")


def test_a_synchronous_standby_and_a_pause_are_told_and_it_can_be_restarted(guarded, api, writer) -> None:
    def patch(body: dict[str, object]) -> None:
        answer = httpx.patch(f"{guarded.leader().api}/config", json=body, auth=("admin", PASSWORD), timeout=PATIENCE)
        answer.raise_for_status()

    [replica] = guarded.replicas()
    patch({"synchronous_mode": True})
    try:
        until(lambda: _named(api, replica.name).role == "sync_standby", "the member's word")
        after = writer.restart(_named(api, replica.name))
        assert after.runs
        assert not after.leads
        patch({"pause": True})
        until(lambda: api.cluster().paused, "the member's word")
    finally:
        patch({"synchronous_mode": None, "pause": None})
        guarded.healthy()
    until(lambda: not api.cluster().paused, "the member's word")


def test_without_credentials_one_may_ask_and_nothing_else(guarded, api) -> None:
    writer = PatroniWriter("main", urls(guarded, ""), Secrets({}))
    before = writer.config()
    with pytest.raises(StepFailed, match=r"main: PATCH /config: 401 no auth header received") as refused:
        writer.patch_config({"work_mem": "9MB"})
    assert "restapi.authentication" in refused.value.hint
    with pytest.raises(StepFailed, match=r"a restart of node1: 401 no auth header received"):
        writer.restart(writer.cluster().members[0])
    assert api.config() == before


def test_a_wrong_password_is_refused_and_in_no_message(guarded) -> None:
    writer = PatroniWriter("main", urls(guarded, "admin:wr%6Fng-secret@"), Secrets({}))
    with pytest.raises(StepFailed, match="401 not authenticated") as refused:
        writer.patch_config({"work_mem": "9MB"})
    assert "wrong-secret" not in str(refused.value)


def test_a_cluster_can_only_be_asked_by_who_reads(api) -> None:
    assert not hasattr(api, "patch_config")
    assert not hasattr(api, "restart")


def test_the_next_url_is_asked_where_one_does_not_answer(guarded) -> None:
    nowhere = "http://admin:hidden-secret@127.0.0.1:1"
    api = PatroniApi("main", [nowhere, *urls(guarded)], Secrets({}))
    assert len(api.cluster().members) == 2
    with pytest.raises(ConnectionFailed, match=r"main: Patroni.*127\.0\.0\.1:1.* cannot be reached") as failed:
        PatroniApi("main", [nowhere], Secrets({})).cluster()
    assert "hidden-secret" not in str(failed.value)


def test_a_stopped_member_is_told_as_such_and_the_others_go_on(guarded, api, writer) -> None:
    [replica] = guarded.replicas()
    member = next(member for member in api.cluster().members if member.name == replica.name)
    replica.stop()
    try:
        until(lambda: not _named(api, replica.name).runs, "the member's word")
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            writer.restart(member)
        writer.patch_config({"log_checkpoints": "off"})
    finally:
        writer.patch_config({"log_checkpoints": None})
        replica.start()
        guarded.healthy()


def _named(api: PatroniApi, name: str) -> Member:
    return next(member for member in api.cluster().members if member.name == name)


def test_a_restart_that_does_not_come_back_is_an_error(guarded, api, writer) -> None:
    [replica] = guarded.replicas()
    with (replica.data / "postgresql.base.conf").open("a") as file:
        file.write("max_stack_depth = nonsense\n")
    try:
        with pytest.raises(StepFailed, match="did not come back from its restart"):
            writer.restart(_named(api, replica.name), PATIENCE)
    finally:
        content = (replica.data / "postgresql.base.conf").read_text()
        (replica.data / "postgresql.base.conf").write_text(content.replace("max_stack_depth = nonsense\n", ""))
        guarded.healthy()


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:8008", "127.0.0.1:8008", "http://a:b@c@127.0.0.1:8008", "http://"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConnectionFailed, match="the URL of Patroni's API cannot be read"):
        PatroniApi("main", [url], Secrets({}))


def test_what_is_not_patroni_is_told(guarded) -> None:
    api = PatroniApi("main", [guarded.etcd.url], Secrets({}))
    with pytest.raises(ObservationFailed, match="GET /cluster: 404"):
        api.cluster()


@pytest.mark.servers
def test_tls_is_checked_against_the_declared_authority(folder, tmp_path) -> None:
    binaries = next(iter(postgres_binaries().values()), None) or pytest.skip("no PostgreSQL is here")
    made = PatroniCluster(folder / f"patroni-tls-{next(_numbers)}", binaries, nodes=1)
    [node] = made.nodes.values()
    certificate, key = node.folder / "api.crt", node.folder / "api.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o644)
    node._rest = {"certfile": str(certificate), "keyfile": str(key)}
    url = node.api.replace("http:", "https:")
    trusting = PatroniApi("main", [url], Secrets({}), ca=certificate)
    try:
        made.etcd.start()
        node.start()
        assert until(trusting.cluster, "Patroni", ignoring=(ReconcilerError,), log=lambda: node.log)
        writer = PatroniWriter("main", [url.replace("://", "://admin:opensesame@")], Secrets({}), ca=certificate)
        plain = Member(name="node1", role="leader", state="running", api_url=f"{node.api}/patroni")
        with pytest.raises(ReconcilerError, match=r"is not encrypted, and would get the credentials") as refused:
            writer.restart(plain)
        assert "opensesame" not in str(refused.value)
        with pytest.raises(ConnectionFailed, match="certificate verify failed"):
            PatroniApi("main", [url], Secrets({})).cluster()
    finally:
        made.stop()
    with pytest.raises(ConnectionFailed, match="is no file of certificates"):
        PatroniApi("main", [url], Secrets({}), ca=tmp_path / "none.crt")
