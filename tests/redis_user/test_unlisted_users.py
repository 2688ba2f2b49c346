"""Users of Redis that nobody declares: told, counted as drift, or dropped, unless somebody needs them."""

from __future__ import annotations

from contextlib import closing, contextmanager
from hashlib import sha256

import pytest
import redis
from applying.acting import Command, apply, message, plan_for, results
from clusters.redis_cluster import RedisCluster
from clusters.sentinel import NAME, SentinelTrio
from docs.pages import marked
from fix_servers import _numbers
from live import start_with_acl_file
from pydantic import TypeAdapter
from redis_user.declared_users import users
from waiting import until

from reconciler.applying.gates.superseded import superseded
from reconciler.demo.redis_server import RedisServer
from reconciler.errors import DesiredError, HazardNotAllowed
from reconciler.kind import Declaration
from reconciler.kinds.redis_user import KIND
from reconciler.model import Applied, Change, HazardType, NoticeType, RedisTarget
from reconciler.secrets import Secrets
from reconciler.views import render, render_drift

PASSWORD = "correct-horse-battery"


def declared(word, listed=None, target=None):
    """`unlisted_users` of a target, beside a section `users`."""
    target = target or RedisTarget(name="cache", url="redis://127.0.0.1:1")
    value = TypeAdapter(KIND.sections["unlisted_users"]).validate_python(word)
    rules = KIND.declare(Declaration(target, "unlisted_users", value, "x.yaml", lambda path: "x.yaml:2:1"))
    return list(KIND.gathered([*users(listed or {}, target), *rules]))


def by_hand(client, *, name="bob", rules=("on", "nopass", "~*", "&*", "+@all")) -> None:
    client.execute_command("ACL", "SETUSER", name, "reset", *rules)


def said(plan) -> dict[str, tuple[str, str]]:
    return {notice.address.name: (notice.type.value, notice.message) for notice in plan.notices}


DANGERS = [
    (("on", "nopass", "~*", "&*", "+@all"), "logs in without a password, may do everything", "as in the report"),
    (("on", f">{PASSWORD}", "~app:*", "+@all"), "logs in with a password, may run every command", "of some keys"),
    (("on", f">{PASSWORD}", ">other", "~*", "+get"),
     "logs in with one of several passwords, may run nothing that is @dangerous", "harmless"),
    (("on", "nopass", "~*", "+flushall"), "logs in without a password, may run flushall, which is @dangerous", "one"),
    (("off", "nopass", "~*", "+@all"), "it is off, so that nobody logs in as it, may do everything", "off"),
    (("on", "~*", "+get"), "has no password, so that nobody logs in as it, may run nothing that is @dangerous", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "words", "reason"), DANGERS, ids=[each[2] for each in DANGERS])
def test_a_user_made_by_hand_is_told_with_its_danger(rules, words, reason, redis_target, redis_client):
    """Seen before: in sync."""
    by_hand(redis_client, rules=rules)
    assert plan_for(redis_target, declared("keep")).notices == ()
    for word, kind in (("report", "unlisted"), ("drift", "unwanted")):
        plan = plan_for(redis_target, declared(word))
        assert plan.is_empty
        assert said(plan) == {"bob": (kind, f"user that no file declares: {words}")}, reason
        for text in (render(plan, "text", width=200), render(plan, "markdown"), render_drift(plan, "text", width=200)):
            assert f"{kind}: user that no file declares: {words}" in " ".join(text.replace("@<!-- -->", "@").split())


@pytest.mark.redis(">= 7")
def test_what_a_selector_lets_a_user_do_is_told(redis_target, redis_client):
    by_hand(redis_client, rules=("on", "nopass", "+get", "(~* +@all)"))
    assert "may do everything" in said(plan_for(redis_target, declared("report")))["bob"][1]


def test_the_user_that_every_server_has_is_not_one_that_somebody_added(redis_target):
    for word in ("report", "drift"):
        plan = plan_for(redis_target, declared(word))
        assert (plan.notices, plan.changes) == ((), ())


PATTERNS = [
    ({"*": "drift", "app-*": "keep"}, {"bob"}, "an exception by pattern"),
    ({"app-*": "drift"}, {"app-one", "app-two"}, "what fits no pattern is kept"),
    ({"app-*": "drift", "app-one": "keep"}, {"app-two"}, "the name is closer than any pattern"),
    ({"APP-*": "drift"}, set(), "names are as they are written"),
]


@pytest.mark.parametrize(("word", "names", "reason"), PATTERNS, ids=[each[2] for each in PATTERNS])
def test_the_closest_pattern_decides(word, names, reason, redis_target, redis_client):
    for name in ("bob", "app-one", "app-two", "listed"):
        by_hand(redis_client, name=name)
    plan = plan_for(redis_target, declared(word, {"listed": "on nopass ~* &* +@all"}))
    assert said(plan).keys() == names, reason


def test_a_user_is_dropped_by_its_own_hazard_and_stays_away(redis_target, redis_server, redis_client):
    by_hand(redis_client)
    redis_client.config_rewrite()
    desired = declared("drop")
    plan = plan_for(redis_target, desired)
    [change] = plan.changes
    assert [hazard.type for step in change.steps for hazard in step.hazards] == [HazardType.USER_DROP]
    assert "logs in without a password, may do everything" in change.reason
    assert "needs --allow user-drop" in render(plan, "text")
    for allowed in ([], [HazardType.LESS_SAFE]):
        with pytest.raises(HazardNotAllowed, match="user-drop"):
            apply(plan, redis_target, allowed=allowed)
    assert superseded(plan.changes, desired, {"cache": redis_target}) == {}
    receipt = apply(plan, redis_target, allowed=[HazardType.USER_DROP], desired=desired)
    assert receipt.succeeded, receipt
    assert plan_for(redis_target, desired).is_empty
    redis_server.restart()
    again = plan_for(redis_target.model_copy(update={"url": type(redis_target.url)(redis_server.url())}), desired)
    assert again.is_empty
    assert said(again).keys() == {"default"}


def test_one_of_an_acl_file_is_dropped_for_good(redis_server):
    start_with_acl_file(redis_server)
    target = RedisTarget(name="cache", url=redis_server.url())
    with closing(redis.Redis.from_url(redis_server.url())) as client:
        by_hand(client)
        client.execute_command("ACL", "SAVE")
    plan = plan_for(target, declared("drop"))
    assert plan.changes[0].steps[-1].command == ("ACL", "SAVE")
    assert apply(plan, target, allowed=[HazardType.USER_DROP]).succeeded
    assert "bob" not in (redis_server.folder / "users.acl").read_text()
    assert plan_for(target, declared("drop")).is_empty


def test_what_brings_it_back_holds_no_hash_and_says_so(redis_target, redis_client):
    by_hand(redis_client, rules=("on", f">{PASSWORD}", "~app:*", "+get"))
    plan = plan_for(redis_target, declared("drop"))
    [change] = plan.changes
    [back] = change.inverse
    assert back.command[:4] == ("ACL", "SETUSER", "bob", "reset")
    [hazard] = [hazard for step in change.steps for hazard in step.hazards]
    assert "its passwords cannot be brought back" in hazard.message
    for secret in (PASSWORD, sha256(PASSWORD.encode()).hexdigest()):
        for text in (plan.model_dump_json(), render(plan, "text"), render(plan, "markdown")):
            assert secret not in text
    before = redis_client.acl_getuser("bob")
    assert apply(plan, redis_target, allowed=[HazardType.USER_DROP]).succeeded
    redis_client.execute_command(*back.command)
    after = redis_client.acl_getuser("bob")
    assert {**after, "passwords": None} == {**before, "passwords": None}
    assert after["passwords"] == []


@contextmanager
def connected(url, name="", command=("PING",)):
    with closing(redis.Redis.from_url(url, client_name=name or None, protocol=2)) as client:
        client.execute_command(*command)
        yield client


HELD = [
    ("", "is connected to cache as it", "whoever is connected"),
    ("sentinel-1f3a9c02-cmd", "a Sentinel is connected to cache as it", "a Sentinel, or who calls himself one"),
]


@pytest.mark.parametrize(("name", "words", "reason"), HELD, ids=[each[2] for each in HELD])
def test_one_that_is_connected_is_kept_and_counts(name, words, reason, redis_target, redis_server, redis_client):
    """An intruder would else only have to stay connected, or to name his connection as Sentinels do."""
    by_hand(redis_client)
    with connected(redis_server.url("bob", "any"), name):
        plan = plan_for(redis_target, declared("drop"))
        assert plan.is_empty
        assert (said(plan)["bob"][0], words in said(plan)["bob"][1]) == ("unwanted", True), reason
        assert "may do everything" in said(plan)["bob"][1]
    until(lambda: plan_for(redis_target, declared("drop")).changes, "nobody is connected any more")


def test_default_and_our_own_and_the_one_of_replication_are_kept(redis_server, redis_client):
    by_hand(redis_client, name="tool")
    by_hand(redis_client, name="repl")
    redis_client.config_set("masteruser", "repl")
    target = RedisTarget(name="cache", url=redis_server.url("tool", "any"))
    plan = plan_for(target, declared("drop"))
    redis_client.close()
    assert plan.is_empty
    kinds = {name: kind for name, (kind, _) in said(plan).items()}
    assert kinds == {"default": "unlisted", "repl": "unlisted", "tool": "unlisted"}
    assert "every server has it" in said(plan)["default"][1]
    assert "reconciler itself logs in as it" in said(plan)["tool"][1]
    assert "cache replicates as it (masteruser)" in said(plan)["repl"][1]


def test_what_is_connected_since_the_plan_was_made_is_kept_by_the_apply(redis_target, redis_server, redis_client):
    by_hand(redis_client)
    plan = plan_for(redis_target, declared("drop"))
    with connected(redis_server.url("bob", "any")):
        receipt = apply(plan, redis_target, allowed=[HazardType.USER_DROP])
        assert results(receipt) == {"bob": Applied.STALE}
        assert "kept, though no file declares it" in message(receipt)
    assert "bob" in redis_client.acl_users()


def test_a_name_that_ends_lines_elsewhere_hides_no_connection(redis_target, redis_server, redis_client):
    """Seen on the way: str.splitlines() also ends a line at U+2028, and the connection was another user's."""
    name = "bob\u2028user=x"
    by_hand(redis_client, name=name)
    with closing(redis.Redis(port=redis_server.port, username=name, password="any", protocol=2)) as client:  # noqa: S106
        client.ping()
        plan = plan_for(redis_target, declared("drop"))
        assert plan.is_empty
        assert "is connected to cache as it" in said(plan)[name][1]


def test_a_name_that_is_no_text_is_told_and_left_to_people(redis_target, redis_client):
    """Where it is to go, it is blocked as an index of such a name is. Seen to fail: it only was unwanted."""
    redis_client.execute_command("ACL", "SETUSER", b"b\xffb", "on", "nopass", "+@all")
    for word, expected in (("drift", "unwanted"), ("drop", "blocked")):
        plan = plan_for(redis_target, declared(word))
        assert plan.is_empty
        [(kind, text)] = [each for name, each in said(plan).items() if name != "default"]
        assert (kind, "its name is no text in UTF-8, so that no plan can hold it" in text) == (expected, True)


@pytest.mark.parametrize("name", ["*", "default-", "a/b", "üser", "bob|get"])
def test_a_user_of_an_odd_name_is_dropped_as_any_other(name, redis_target, redis_client):
    by_hand(redis_client, name=name)
    desired = declared("drop")
    plan = plan_for(redis_target, desired)
    assert [change.address.name for change in plan.changes] == [name]
    assert apply(plan, redis_target, allowed=[HazardType.USER_DROP], desired=desired).succeeded
    assert name not in redis_client.acl_users()
    assert plan_for(redis_target, desired).is_empty


def test_users_that_come_or_change_after_the_plan_are_for_the_next_one(redis_target, redis_client):
    by_hand(redis_client)
    by_hand(redis_client, name="carol")
    plan = plan_for(redis_target, declared("drop"))
    by_hand(redis_client, rules=("on", "nopass", "~app:*", "+get"))
    by_hand(redis_client, name="dave")
    redis_client.acl_deluser("carol")
    receipt = apply(plan, redis_target, allowed=[HazardType.USER_DROP])
    assert results(receipt) == {"bob": Applied.STALE, "carol": Applied.SKIPPED}
    assert {"bob", "dave"} <= set(redis_client.acl_users())


def test_one_that_is_declared_by_now_is_not_dropped(redis_target, redis_client):
    by_hand(redis_client)
    plan = plan_for(redis_target, declared("drop"))
    for now in (declared("drop", {"bob": "on nopass ~* &* +@all"}), declared("report"), declared({"bob": "keep"}), []):
        assert set(superseded(plan.changes, now, {"cache": redis_target})) == {plan.changes[0].address}


def test_who_may_not_see_users_or_connections_is_told(redis_server, redis_client):
    by_hand(redis_client)
    by_hand(redis_client, name="blind", rules=("on", "nopass", "~*", "+@all", "-acl"))
    by_hand(redis_client, name="half", rules=("on", "nopass", "~*", "+@all", "-client", "+client|id"))
    for name, words in (("blind", "ACL USERS"), ("half", "CLIENT LIST")):
        target = RedisTarget(name="cache", url=redis_server.url(name, "any"))
        plan = plan_for(target, declared("drop"))
        assert plan.is_empty
        [(kind, text)] = [said(plan)[key] for key in ("unlisted users",)]
        assert (kind, words in text) == ("not-visible", True), text


def test_the_documented_users_plan_and_apply_a_drop(redis_server, redis_client):
    by_hand(redis_client)
    targets = {}
    for name, further in (("redis drift", ["+client|list"]), ("redis apply", [])):
        _, _, user, *rules = marked(name).split()
        rules = [f">{PASSWORD}" if rule == ">PASSWORD" else rule for rule in rules if rule != "+acl|dryrun"]
        redis_client.execute_command("ACL", "SETUSER", user, *rules, *further)
        targets[name] = RedisTarget(name="cache", url=redis_server.url(user, PASSWORD))
    desired = declared({"bob": "drop"})
    plan = plan_for(targets["redis drift"], desired)
    assert [change.address.name for change in plan.changes] == ["bob"]
    assert apply(plan, targets["redis apply"], allowed=[HazardType.USER_DROP], desired=desired).succeeded
    assert plan_for(targets["redis drift"], desired).is_empty


def test_two_documents_agree_on_a_target_or_are_refused():
    once = declared({"*": "drift"})
    twice = declared({"app-*": "keep"})
    [rules] = [each for each in KIND.gathered([*once, *twice]) if each.address.name == "unlisted users"]
    assert [rule.pattern for rule in rules.rules_of_unlisted] == ["*", "app-*"]
    with pytest.raises(DesiredError, match=r"unlisted_users of \* is drop here, and drift at x.yaml:2:1"):
        KIND.gathered([*once, *declared("drop")])


EXIT_CODES = [("keep", 0), ("report", 0), ("drift", 2), ("drop", 2)]


@pytest.mark.parametrize(("word", "code"), EXIT_CODES)
def test_what_counts_is_told_by_the_exit_code(word, code, redis_server, redis_client, tmp_path):
    by_hand(redis_client)
    redis_client.config_rewrite()
    (tmp_path / "x.yaml").write_text(
        f'targets: {{cache: {{redis: "${{URL}}"}}}}\n---\ntarget: cache\nunlisted_users: {word}\n'
    )
    found, out, _ = Command(tmp_path, {"URL": redis_server.url()}).run("drift")
    assert found == code, out


@pytest.fixture
def following(folder, redis_server):
    """A replica that follows as `repl`, which no file declares."""
    with closing(redis.Redis.from_url(redis_server.url())) as client:
        by_hand(client, name="repl", rules=("on", f">{PASSWORD}", "+psync", "+replconf", "+ping"))
        by_hand(client, name="bob")
    settings = {"replicaof": f"127.0.0.1 {redis_server.port}", "masteruser": "repl", "masterauth": PASSWORD}
    replica = RedisServer(folder / f"replica-{next(_numbers)}", redis_server.binary, settings)
    replica.start()
    with closing(redis.Redis.from_url(replica.url(), decode_responses=True)) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up", "the replica follows")
        yield replica, client
    replica.kill()


def test_the_user_by_which_a_replica_follows_is_kept_though_it_is_away(redis_server, redis_client, following):
    replica, client = following
    by_hand(client, name="bob")
    target = RedisTarget(name="cache", url=redis_server.url(), replicas=[replica.url()])
    alone = target.model_copy(update={"replicas": ()})
    assert "a replica is connected to cache as it" in said(plan_for(alone, declared("drop")))["repl"][1]
    assert {change.address.target for change in plan_for(target, declared("drop")).changes} == {
        "cache", f"cache@127.0.0.1:{replica.port}",
    }  # fmt: skip
    redis_client.execute_command("ACL", "SETUSER", "repl", "-psync")  # so that it stays away
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    until(lambda: not redis_client.client_list(_type="replica"), "the replica is away")
    plan = plan_for(target, declared("drop"))
    [kept] = [notice for notice in plan.notices if notice.address[::2] == ("cache", "repl")]
    assert (kept.type, "replicates as it (masteruser)" in kept.message) == (NoticeType.UNLISTED, True)


def test_who_is_connected_to_one_node_is_dropped_from_none(redis_server, redis_client, following):
    replica, client = following
    by_hand(client, name="bob")
    target = RedisTarget(name="cache", url=redis_server.url(), replicas=[replica.url()])
    with connected(replica.url("bob", "any")):
        plan = plan_for(target, declared("drop"))
        assert plan.is_empty
        bobs = [notice for notice in plan.notices if notice.address.name == "bob"]
        assert len(bobs) == 2
        assert all(f"connected to cache@127.0.0.1:{replica.port} as it" in notice.message for notice in bobs)


@pytest.mark.thorough
@pytest.mark.rotated
def test_every_node_of_a_cluster_loses_the_user(redis_cluster: RedisCluster):
    for node in redis_cluster.nodes:
        with closing(node.client()) as client:
            by_hand(client)
    target = RedisTarget(name="cache", url=redis_cluster.nodes[0].url())
    plan = plan_for(target, declared("drop"))
    assert [change.address.name for change in plan.changes] == ["bob"] * 6
    assert all(isinstance(change, Change) for change in plan.changes)
    with connected(redis_cluster.nodes[5].url("bob", "any")):
        assert plan_for(target, declared("drop")).is_empty
        assert set(results(apply(plan, target, allowed=[HazardType.USER_DROP])).values()) == {Applied.STALE}
    until(lambda: plan_for(target, declared("drop")).changes, "nobody is connected any more")
    assert apply(plan, target, allowed=[HazardType.USER_DROP], desired=declared("drop")).succeeded
    assert plan_for(target, declared("drop")).is_empty


@pytest.mark.thorough
@pytest.mark.rotated
def test_those_of_sentinels_and_their_replicas_are_kept_on_every_node(sentinels: SentinelTrio):
    for server in sentinels.data:
        with closing(redis.Redis(port=server.port)) as client:
            by_hand(client)
            by_hand(client, name="watcher")
            by_hand(client, name="repl")
            client.config_set("masteruser", "repl")
            client.config_set("masterauth", "any")
    for sentinel in sentinels.sentinels:
        with closing(sentinel.client()) as client:
            client.execute_command("SENTINEL", "SET", NAME, "auth-user", "watcher")
            client.execute_command("SENTINEL", "SET", NAME, "auth-pass", "any")
    target = RedisTarget(
        name="cache", url=f"redis://{NAME}/0",
        sentinels=[f"redis://127.0.0.1:{sentinel.port}" for sentinel in sentinels.sentinels],
    )  # fmt: skip
    for server in sentinels.data:
        with closing(redis.Redis(port=server.port, decode_responses=True)) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal")  # on 6.2 they would not log in anew
            until(lambda at=client: any(each["user"] == "watcher" for each in at.client_list()), "they log in anew")
    plan = plan_for(target, declared("drop"), Secrets({}))
    assert [change.address.name for change in plan.changes] == ["bob"] * 3
    kept = {(notice.address.name, notice.type) for notice in plan.notices}
    assert kept == {
        ("default", NoticeType.UNLISTED), ("repl", NoticeType.UNLISTED), ("watcher", NoticeType.UNWANTED),
    }  # fmt: skip
    assert apply(plan, target, allowed=[HazardType.USER_DROP]).succeeded
    assert plan_for(target, declared("drop")).is_empty
