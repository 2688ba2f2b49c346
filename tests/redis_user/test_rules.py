"""What rules allow, by our reading and by the servers' own."""

from contextlib import closing

import pytest
import redis
from live import changes, converge
from redis_user.declared_users import users

from reconciler.errors import DesiredError
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.read import _commands
from reconciler.kinds.redis_user.rules.acl_syntax import split
from reconciler.kinds.redis_user.rules.evaluation import evaluate
from reconciler.secrets import Secrets
from reconciler.targets.redis.session import connect

SECRETS = Secrets({"APP_PASSWORD": "correct-horse-battery"})

RULES = [
    ("on ~app:* +@all -@dangerous", "the usual application"),
    ("on allkeys +@all", "everything"),
    ("on ~* +get +set", "two commands"),
    ("on nocommands +get", "nothing, by its other name"),
    ("off -@all +get", "turned off"),
    ("on +@read -get", "a category but one"),
    ("on -@all +@read -get +get", "denied, then allowed"),
    ("on +@all -@dangerous +info", "printed by way of @admin on 6.2 and 7.0"),
    ("on +@all +@dangerous -@dangerous +keys", "another such one"),
    ("on +@all -flushall -flushdb", "all but two"),
    ("on +config|get", "one subcommand"),
    ("on +@all -config +config|get", "one subcommand of a denied command"),
    ("on -@all +config|get +config", "a subcommand, then the whole"),
    ("on ~b ~a ~b", "patterns in another order, and twice"),
    ("on &news:* ~k", "a channel, where 6.2 would refuse it beside all of them"),
    ("on allchannels", "all channels"),
    ("on resetchannels", "none of them"),
    ("on +@READ +GET", "capitals"),
    ("ON ALLKEYS", "keywords in capitals"),
    ("on +get +get -set", "said twice, and denied what was never allowed"),
    ("on +@dangerous -@dangerous", "nothing, in the end"),
    ("on +@fast -@keyspace", "printed as forty commands on 7.0"),
    ("on +@all -@admin -@dangerous", "two overlapping categories"),
    ("on +@all -@dangerous -@admin", "in the other order"),
    ("on +@connection -client +client|id", "printed by subcommand on 7.0"),
    ("on +@all -select +select|0", "a first argument"),
    ("on skip-sanitize-payload", "a flag that Valkey does not show"),
    ("on sanitize-payload", "its default"),
]
NEWER = [
    ("on +@all -config|set", "a denied subcommand"),
    ("on %R~r:* %W~w:* %RW~x:*", "reading and writing apart"),
    ("on %R~x %W~x", "which together are both"),
    ("on ~* &* +@all (~x +get)", "a selector"),
    ("on (~a +get) (~b &c +set)", "two selectors"),
    ("on (~b &c +set) (+get ~a)", "two selectors in another order"),
]


@pytest.mark.parametrize(("rules", "reason"), RULES, ids=[case[1] for case in RULES])
def test_rules_give_no_diff_once_they_are_set(rules, reason, redis_target):
    declared = users({"app": (rules, "APP_PASSWORD")})
    assert len(converge(KIND, redis_target, declared, SECRETS)) == 1


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize(("rules", "reason"), NEWER, ids=[case[1] for case in NEWER])
def test_newer_rules_give_no_diff_once_they_are_set(rules, reason, redis_target):
    declared = users({"app": (rules, "APP_PASSWORD")})
    assert len(converge(KIND, redis_target, declared, SECRETS)) == 1


def test_the_same_rights_in_other_words_give_no_diff(redis_target, redis_client):
    pairs = [
        ("on ~a ~b +get +set", ["on", "~b", "~a", "+set", "+get"]),
        ("on allkeys allcommands", ["on", "~*", "+@all"]),
        ("on +@all -@dangerous -@admin", ["on", "+@all", "-@dangerous"]),
        ("on +@read", ["on", "+@all", "-@all", "+@read", "+get"]),
    ]
    for rules, by_hand in pairs:
        redis_client.execute_command("ACL", "SETUSER", "app", "reset", *by_hand)
        redis_client.config_rewrite()
        assert changes(KIND, redis_target, users({"app": rules})) == [], rules


DIFFERENT = [
    ("on ~app:* +get", ["on", "~app:*", "+get", "+set"], "a command more"),
    ("on ~app:* +@read", ["on", "~app:*", "+@read", "-get"], "a command less"),
    ("on ~app:* +get", ["on", "~app:*", "~other:*", "+get"], "a pattern more"),
    ("on ~app:* +get", ["on", "~APP:*", "+get"], "patterns know the case of letters"),
    ("on ~app:* +get", ["off", "~app:*", "+get"], "turned off by hand"),
    ("on ~app:* +get", ["on", "~app:*", "resetchannels", "&x", "+get"], "other channels"),
    ("on +select", ["on", "+select|0"], "a first argument is not the whole"),
    ("on +@all", ["on", "+@all", "-debug"], "all but one"),
]


@pytest.mark.parametrize(("rules", "by_hand", "reason"), DIFFERENT, ids=[case[2] for case in DIFFERENT])
def test_other_rights_are_a_change_and_converge(rules, by_hand, reason, redis_target, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *by_hand)
    [change] = converge(KIND, redis_target, users({"app": rules}))
    assert change.before["rules"] != change.after["rules"]


@pytest.mark.redis(">= 7")
@pytest.mark.parametrize(("rules", "reason"), RULES + NEWER, ids=[case[1] for case in RULES + NEWER])
def test_our_reading_of_rules_is_the_servers(rules, reason, redis_server, redis_target, redis_client):
    """For every command that there is, ACL DRYRUN says the same as we do."""
    rules = split(rules)
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *rules, "on", "allkeys", "allchannels")
    with closing(connect(redis_target, Secrets({}))) as session:
        known = {name: session.read("ACL", "CAT", name) for name in ("fast", "slow", "dangerous")}
        commands, _ = _commands(session, known, {}, [rules])
    rights = evaluate(rules, commands, fresh=True)
    arities = _arities(redis_server.url())
    asked = sorted(commands.every - commands.containers - OPEN_TO_ALL)
    pipeline = redis_client.pipeline(transaction=False)
    for command in asked:
        words = command.split("|")
        pipeline.execute_command("ACL", "DRYRUN", "app", *words, *["1"] * (abs(arities[command]) - len(words)))
    answers = pipeline.execute(raise_on_error=False)
    assert len(asked) > 200
    further = [selector.allowed for selector in rights.selectors]
    for command, answer in zip(asked, answers, strict=True):
        allowed = command in rights.root.allowed.union(*further)
        assert ("no permissions to run" in str(answer)) != allowed, f"{command}: {answer}"


OPEN_TO_ALL = {"auth", "hello", "quit", "reset"}
"""Commands that no rule denies: without them nobody could log in, or leave."""


def _arities(url):
    with closing(redis.Redis.from_url(url, protocol=2, decode_responses=True)) as raw:
        raw.response_callbacks.clear()
        found = {}
        for entry in raw.execute_command("COMMAND"):
            found[entry[0]] = entry[1]
            found |= {sub[0]: sub[1] for sub in entry[9]}
    return found


REFUSED = [
    ("on >secret +get", "about passwords", "a password in YAML"),
    ("on #" + "0" * 64, "about passwords", "a hash in YAML"),
    ("resetpass on", "about passwords", "resetpass"),
    ("reset on", "not needed", "reset"),
    ("on app:*", "is no rule", "a pattern without its sign"),
    ("on +@all (~x", "never closed", "an open parenthesis"),
    ("on (>secret)", "about passwords", "a password in a selector"),
]


@pytest.mark.parametrize(("rules", "message", "reason"), REFUSED, ids=[case[2] for case in REFUSED])
def test_what_may_not_be_declared_is_refused_where_it_is_declared(rules, message, reason):
    with pytest.raises(DesiredError, match=message) as failure:
        users({"app": rules})
    assert failure.value.at == "redis.yaml:app:rules"
    assert "secret" not in str(failure.value)


def test_names_and_contradictions_are_refused():
    for section, message in [
        ({"a b": "on"}, "not the name of a user"),
        ({"": "on"}, "not the name of a user"),
        ({"default": "absent"}, "cannot be absent"),
        ({"app": ("on nopass", "APP_PASSWORD")}, "exclude each other"),
    ]:
        with pytest.raises(DesiredError, match=message):
            users(section)
