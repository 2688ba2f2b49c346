"""No declared user keeps the tool out: applied with every hazard allowed, restarted, and in again."""

from __future__ import annotations

from contextlib import closing, suppress
from urllib.parse import quote

import pytest
import redis
from live import changes, converge, run, start_with_acl_file
from redis_setting.declared import declared, env
from redis_user.declared_users import users

from reconciler.errors import DesiredError, StepFailed
from reconciler.kinds.redis_setting import KIND as SETTINGS
from reconciler.kinds.redis_user import KIND as USERS
from reconciler.model import RedisTarget
from reconciler.secrets import Secrets

pytestmark = pytest.mark.rotated

OWN, NEW, OTHER = 'own p"ss:/@ä', "new-passw0rd", "other-passw0rd"
SECRETS = Secrets({"OWN": OWN, "NEW": NEW, "OTHER": OTHER})
ALL = "on ~* &* +@all"

EITHER_WAY = [
    ("on -@all", None, "nothing any more"),
    ("off ~* &* +@all", None, "turned off"),
    ("~* &* +@all", None, "not turned on, which means off"),
    ("on ~* &* +@all -@dangerous", None, "what makes a server safe"),
    ("on ~* &* +@all -@admin", None, "no CONFIG and no ACL"),
    ("on ~* &* +@all -config", None, "no CONFIG"),
    ("on ~* &* +@all -config +config|get", None, "only reading"),
    ("on ~* &* +@all -info", None, "no INFO"),
    ("on ~* &* +@all -acl", None, "no ACL"),
    ("on ~* &* +@all -client", None, "no lock"),
    ("on ~* &* +@all -ping", None, "not even PING"),
    ("on ~* &* +@all -@connection", None, "AUTH, HELLO and PING, as far as they can be denied"),
    ("on ~* &* +@all -auth -hello", None, "logging in itself"),
    ("on ~* &* +@all -command", None, "no COMMAND INFO"),
    ("on ~* &* +@read", None, "a reader"),
    ("on ~* &* +@all -@all", None, "all and nothing"),
    ("on +@all", None, "no key, which we do not need"),
    ("on resetkeys resetchannels +@all", None, "the same in other words"),
    ("on ~* &* +@all", None, "as it is"),
    ("on nopass ~* &* +@all", None, "no password"),
    ("off nopass -@all", None, "everything at once"),
    (ALL, "NEW", "a new password"),
    (ALL, "OWN", "the password it has"),
    ("on ~* &* +@all -@dangerous", "NEW", "a new password, and locked out"),
    ("off ~* &* +@all", "NEW", "a new password, and off"),
    ("on ~* &* +@all -config|set", None, "a denied subcommand, where there is such a thing"),
    ("on ~* &* +@all -acl|whoami", None, "whoami"),
    ("on (~* &* +@all)", None, "everything in a selector"),
    ("on -@all (~* +config|get +info)", None, "something in a selector"),
    ("on ~* &* +@all resetdbs db=5", None, "another database, which Valkey knows"),
    ("on ~* &* +@all resetdbs", None, "no database at all"),
    ("on ~* &* +@all -select", None, "no SELECT"),
]


def target(redis_server, user="", password="", database=0, declares="NEW"):
    url = redis_server.url(user, quote(password, safe="")).replace("/0", f"/{database}")
    credentials = {"default": (env(declares),), "tool": (env(declares),)}
    return RedisTarget(name="cache", url=url, credentials=credentials)


def apply_all(at, resources, kind):
    found = changes(kind, at, resources, SECRETS)
    with suppress(StepFailed):  # the server's own refusal is as good
        run(at, found, SECRETS)


def still_works(at, hz):
    """The tool connects, plans users and settings, and changes both."""
    converge(SETTINGS, at, declared({"hz": hz}), SECRETS)
    converge(USERS, at, users({"probe": f"on ~{hz}:* +get"}), SECRETS)


@pytest.mark.parametrize(("rules", "password", "reason"), EITHER_WAY, ids=[case[2] for case in EITHER_WAY])
@pytest.mark.parametrize("user", ["default", "tool"])
def test_whatever_is_declared_of_its_own_user_the_tool_gets_in_again(user, rules, password, reason, redis_server):
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{OWN}", "~*", "&*", "+@all")
        client.config_rewrite()
    way = ("tool", OWN) if user == "tool" else ()
    try:
        resources = users({user: (rules, password)})
    except DesiredError:
        return
    declares = password or "NEW"
    apply_all(target(redis_server, *way, declares=declares), resources, USERS)
    still_works(target(redis_server, *way, declares=declares), "30")
    redis_server.restart()
    still_works(target(redis_server, *way, declares=declares), "20")


@pytest.mark.parametrize(("user", "section"), [("tool", "absent"), ("default", "absent")])
def test_its_own_user_cannot_be_removed(user, section, redis_server):
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{OWN}", "~*", "&*", "+@all")
        client.config_rewrite()
    way = ("tool", OWN) if user == "tool" else ()
    with suppress(DesiredError):
        apply_all(target(redis_server, *way), users({user: section}), USERS)
    redis_server.restart()
    still_works(target(redis_server, *way), "30")


@pytest.mark.parametrize("rules", ["on ~* &* +@all -select", "on ~* &* +@all resetdbs db=5", "on ~* &* +@all resetdbs"])
def test_the_database_in_its_url_stays_open_to_the_tool(rules, redis_server):
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{OWN}", "~*", "&*", "+@all")
        client.config_rewrite()
    apply_all(target(redis_server, "tool", OWN, 3), users({"tool": rules}), USERS)
    still_works(target(redis_server, "tool", OWN, 3), "30")
    redis_server.restart()
    still_works(target(redis_server, "tool", OWN, 3), "20")


TOGETHER = [
    ({"default": "off -@all"}, {}, ("tool", OWN), "the default user off, with a user of its own"),
    ({"default": "on nopass -@all"}, {}, ("tool", OWN), "the default user powerless"),
    ({}, {"requirepass": env("NEW")}, (), "a password for all, without one in the URL"),
    ({}, {"requirepass": env("NEW")}, ("", OWN), "another password than the URL's"),
    ({}, {"requirepass": env("NEW")}, ("", NEW), "the URL's password"),
    ({"default": (ALL, "NEW")}, {"requirepass": env("NEW")}, ("", OWN), "the same twice"),
    ({"default": ("off ~* &* +@all", "NEW")}, {"requirepass": env("NEW")}, ("", OWN), "and turned off"),
    ({}, {"requirepass": ""}, ("", OWN), "no password any more"),
    ({}, {"requirepass": ""}, ("tool", OWN), "no password any more, with a user of its own"),
    ({"tool": (ALL, "NEW")}, {"requirepass": env("NEW")}, ("tool", OWN), "both rotated at once"),
    ({"app": "on ~* &* +@all", "default": "off"}, {"protected-mode": "yes"}, ("tool", OWN), "protected as well"),
    ({"default": "on nopass ~* &* +@all"}, {"requirepass": env("NEW")}, (), "what contradicts itself"),
    ({"tool": (ALL, "NEW")}, {"acl-pubsub-default": "resetchannels"}, ("tool", OWN), "beside other defaults"),
]


@pytest.mark.parametrize("acl_file", [False, True], ids=["config file", "ACL file"])
@pytest.mark.parametrize(("user_section", "settings", "way", "reason"), TOGETHER, ids=[case[3] for case in TOGETHER])
def test_users_and_settings_together_do_not_keep_the_tool_out(
    user_section, settings, way, reason, acl_file, redis_server
):
    if acl_file:
        start_with_acl_file(redis_server)
    with closing(redis.Redis(port=redis_server.port)) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{OWN}", "~*", "&*", "+@all")
        client.execute_command(*(["ACL", "SAVE"] if acl_file else ["CONFIG", "REWRITE"]))
        if way == ("", OWN):
            client.config_set("requirepass", OWN)
            client.execute_command("AUTH", OWN)
            client.config_rewrite()
            if acl_file:
                client.execute_command("ACL", "SAVE")
    for hz in ("20", "30"):
        apply_all(target(redis_server, *way), users(user_section), USERS)
        apply_all(target(redis_server, *way), declared(settings), SETTINGS)
        redis_server.restart()
        still_works(target(redis_server, *way), hz)
    if "contradicts" not in reason:
        assert changes(USERS, target(redis_server, *way), users(user_section), SECRETS) == []
        assert changes(SETTINGS, target(redis_server, *way), declared(settings), SECRETS) == []
