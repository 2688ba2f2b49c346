"""URLs of the command line: a password in any spelling is refused, and never repeated."""

from __future__ import annotations

import pytest

from reconciler.allow_lists import Reach
from reconciler.desired.given_targets import given_targets, section
from reconciler.desired.given_urls import without_password
from reconciler.errors import DesiredError, UsageError
from reconciler.model import System
from reconciler.secrets import Secrets
from reconciler.yaml.writing import Template, document

POSTGRES, REDIS = System.POSTGRES, System.REDIS

WITH_PASSWORD = [
    (POSTGRES, "postgresql://app:hunter2@db/app", "as usual"),
    (POSTGRES, "postgresql://app:hun/ter2@db/app", "a slash in it"),
    (POSTGRES, "postgresql://app:hun@ter2@db/app", "an at sign in it"),
    (POSTGRES, "postgresql://app:hun:ter2@db/app", "a colon in it"),
    (POSTGRES, "postgresql://app:hun?ter2#@db/app", "a question mark and a hash in it"),
    (POSTGRES, "postgresql://app:hun\nter2@db/app", "a line break in it"),
    (POSTGRES, "  postgresql://app:hunter2@db/app ", "spaces around"),
    (POSTGRES, "POSTGRESQL://app:hunter2@db/app", "a scheme in capitals"),
    (POSTGRES, "app:hunter2@db/app", "no scheme"),
    (POSTGRES, "postgresql://:hunter2@db/app", "no user"),
    (POSTGRES, "postgresql://app%3Ahunter2%40db/app", "percent-encoded dividers"),
    (POSTGRES, "postgresql://app%253Ahunter2@db/app", "encoded twice"),
    (POSTGRES, "postgresql://app@db/app?password=hunter2", "an option"),
    (POSTGRES, "postgresql://app@db/app?pass%77ord=hunter2", "an option that is percent-encoded"),
    (POSTGRES, "postgresql://app@db/app?sslpassword=hunter2", "the password of a key"),
    (POSTGRES, "postgresql://app@db/app?oauth_client_secret=hunter2", "the secret of a client"),
    (POSTGRES, "host=db user=app password=hunter2", "a connection string"),
    (POSTGRES, "host=db PASSWORD = 'hunter2'", "quoted, with spaces and capitals"),
    (POSTGRES, "password= hunter2 host=db", "a space before it"),
    (POSTGRES, "postgresql://app:${DB_PASSWORD:-hunter2}@db/app", "the default of a variable"),
    (POSTGRES, "${A}:hunter2@db/app", "a variable before it"),
    (POSTGRES, "postgresql://app:hunter2${A}@db/app", "a variable behind it"),
    (POSTGRES, "postgresql://app:$${A}hunter2@db/app", "what looks like a variable and is none"),
    (POSTGRES, "host=db password=${A}hunter2", "a variable in a connection string"),
    (POSTGRES, "${DATABASE_URL}?password=hunter2", "an option behind a variable"),
    (REDIS, "redis://:hunter2@cache:6379/0", "the usual Redis"),
    (REDIS, "rediss://default:hunter2@cache", "with TLS"),
    (REDIS, "redis://cache?password=hunter2", "an option of Redis"),
    (REDIS, "unix://:hunter2@/run/redis.sock", "a socket"),
    (REDIS, "redis://cache?ssl_password=hunter2", "the password of a key"),
]

WITHOUT = [
    (POSTGRES, "${DATABASE_URL}"),
    (POSTGRES, "postgresql://app@db:5432/app"),
    (POSTGRES, "postgresql://app@[::1]:5432/app?sslmode=verify-full"),
    (POSTGRES, "postgresql://app@db1:5432,db2:5433/app?target_session_attrs=read-write"),
    (POSTGRES, "postgresql://${USER_NAME}:${DB_PASSWORD}@db/app"),
    (POSTGRES, "postgresql://app:${DB_PASSWORD}@db:${PORT:-5432}/app"),
    (POSTGRES, "postgresql:///app?host=/run/postgresql"),
    (POSTGRES, "host=db user=app password='${DB_PASSWORD}' dbname=app"),
    (POSTGRES, "host=db password=${DB_PASSWORD}"),
    (POSTGRES, "service=app"),
    (REDIS, "redis://cache:6379/0"),
    (REDIS, "redis://:${REDIS_PASSWORD}@cache:6379/0"),
    (REDIS, "redis://app@cache?password=${REDIS_PASSWORD}"),
    (REDIS, "unix:///run/redis.sock?db=1"),
]


@pytest.mark.parametrize(("system", "url", "why"), WITH_PASSWORD, ids=[why for _, _, why in WITH_PASSWORD])
def test_a_password_is_refused_with_the_way_and_without_itself(system, url, why):
    with pytest.raises(UsageError) as refused:
        without_password(url, system)
    said = str(refused.value)
    assert f"--{system.value} '${{" in said
    assert ("PGPASSWORD" in said) == (system is POSTGRES)
    for part in ("hun", "ter2", "db", "cache"):
        assert part not in said


@pytest.mark.parametrize(("system", "url"), WITHOUT)
def test_a_url_without_one_is_written_as_it_is(system, url):
    assert without_password(url, system) == url
    assert url in document({"url": Template(without_password(url, system))}).replace('\\"', '"')


@pytest.mark.parametrize("url", ["", "  ", "\n"])
def test_an_empty_one_is_told_to_be_a_variable_that_is_not_set(url):
    with pytest.raises(UsageError, match=r"empty: is a variable not set\?\n.*single quotes: --redis '\$\{REDIS_URL\}'"):
        without_password(url, REDIS)


def test_targets_are_those_of_the_urls_and_variables_come_from_the_environment():
    urls = {POSTGRES: "${HERE}", REDIS: "redis://cache"}
    env = {"HERE": "postgresql://app:hunter2@db/app"}
    secrets = Secrets(env)
    found = given_targets(section(urls, Reach()), env, secrets)
    assert {name: each.url.get_secret_value() for name, each in found.items()} == {
        "main": env["HERE"], "cache": "redis://cache"
    }  # fmt: skip
    assert secrets.redact("hunter2") == "(sensitive)"


@pytest.mark.parametrize(
    ("url", "env", "said"),
    [
        ("${HERE}", {}, "the environment variable HERE is not set"),
        ("${HERE}", {"HERE": ""}, "the URL is empty"),
        ("${HERE", {}, "a reference is not complete"),
        ("mysql://db", {}, "a postgres URL begins with"),
    ],
)
def test_what_is_wrong_with_one_is_said_of_the_command_line(url, env, said):
    with pytest.raises(DesiredError, match=f"the command line: {said}"):
        given_targets(section({POSTGRES: url}, Reach()), env, Secrets(env))


def test_where_a_file_alone_declares_targets_the_command_line_does_not(tmp_path):
    with pytest.raises(UsageError, match="--targets says so"):
        section({POSTGRES: "${HERE}"}, Reach(targets=tmp_path / "targets.yaml"))
