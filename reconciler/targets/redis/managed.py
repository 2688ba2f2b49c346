"""Managed Redis: whose it is, and how a setting or a user is changed there, ready to paste.

Recognised by what a server says of itself, else by the name of its host: both are the providers' own, and neither is
needed for anything but a way out. Memorystore has neither, so that it is only named where CONFIG is missing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

_BY_HOST = (
    (".cache.amazonaws.com", "ElastiCache"),
    (".memorydb.", "MemoryDB"),
    (".aivencloud.com", "Aiven"),
    (".redis-cloud.com", "Redis Cloud"),
    (".redislabs.com", "Redis Cloud"),
    (".upstash.io", "Upstash"),
)
_BY_SYSTEM = {"Amazon ElastiCache": "ElastiCache", "Amazon MemoryDB": "MemoryDB"}
"""`os` in INFO server."""

MEMORYSTORE = "gcloud redis instances update INSTANCE --region=REGION --update-redis-config={pair}"

_SETTING = {
    "ElastiCache": "aws elasticache modify-cache-parameter-group --cache-parameter-group-name GROUP "
    "--parameter-name-values {parameter}",
    "MemoryDB": "aws memorydb update-parameter-group --parameter-group-name GROUP --parameter-name-values {parameter}",
    "Aiven": "avn service update SERVICE -c {aiven}",
    "Redis Cloud": "the database's configuration in its console, or PUT /v1/subscriptions/…/databases/… of its API",
    "Upstash": "its console: it has few settings, eviction among them",
}
_USER = {
    "ElastiCache": "aws elasticache modify-user --user-id USER_ID --access-string {rules}",
    "MemoryDB": "aws memorydb update-user --user-name {user} --access-string {rules}",
    "Aiven": "avn service user-create SERVICE --username {user}, with --redis-acl-…",
    "Redis Cloud": "roles and users in the access control of its console, or POST /v1/acl/redisRules of its API",
    "Upstash": "ACL SETUSER as its user default, where the plan has it",
}


def owner(server: Mapping[str, Any], host: str) -> str:
    """The managed service behind INFO `server`, reached as `host`; empty where none is recognised."""
    if "upstash_version" in server:
        return "Upstash"
    by_system = _BY_SYSTEM.get(str(server.get("os", "")), "")
    return by_system or next((name for mark, name in _BY_HOST if mark in host.lower()), "")


def way_of_setting(owner: str, product: str, name: str, value: str) -> str:
    """How `name` becomes `value` with this owner: a command where there is one, with what to fill in in capitals.

    `value` is shown as it is: for a secret, pass a word that stands for it. Where nobody is recognised, of those who
    leave CONFIG out only Memorystore remains.
    """
    if not owner:
        return f"on Memorystore: {MEMORYSTORE.format(pair=shlex.quote(f'{name}={value}'))}"
    return _SETTING[owner].format(
        parameter=shlex.quote(f"ParameterName={name},ParameterValue={value}"),
        aiven=shlex.quote(f"{product.lower()}_{name.replace('-', '_')}={value}"),
    )


def way_of_user(owner: str, user: str, rules: str) -> str:
    """How a user is changed with this owner."""
    return _USER[owner].format(user=shlex.quote(user), rules=shlex.quote(rules))
