"""A setting of Redis, as it runs.

What
    The running value is as expected, in the setting's own units.

    `flags` is for notify-keyspace-events: at least these events are on.

Why
    CONFIG SET changes what runs and tells nobody, and a Redis without a limit of memory grows until its host kills it.
    Settings that are not declared here at all can be held to bounds.

How to write it
    id: redis-maxmemory
    title: Memory limit is set
    check: {redis_setting: maxmemory, greater_than: 0, at_most: 100% of memory}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, model_validator

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.config_and_info import FoundValues, OfValues, compared, read
from reconciler.kinds.check.expectations import Expectations, about, redis_scale, unmet
from reconciler.kinds.check.verdict import Verdict, passed_if
from reconciler.model import CheckStatus, System

SECRET_SETTINGS = frozenset(
    {"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser"}
    | {"tls-key-file-pass", "tls-client-key-file-pass"}
)
"""Redis settings whose value must never be read into evidence (facts: whoever may CONFIG GET reads them in clear)."""

EVENT_FLAGS = "KEg$lshzxetdmnA"
"""What `notify-keyspace-events` takes on Redis 6.2 to Valkey 9."""

EVENT_CLASSES = "g$lshzxetd"
"""What the flag A of notify-keyspace-events stands for (redis.conf, 6.2 to 7; the same in Valkey 9)."""

MANY_KEYS = 1000
"""Fewer keys than this are not worth a word about how many of them never expire."""


def _redis_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not the name of one setting (a pattern would read more than it names)")
    if text.lower() in SECRET_SETTINGS:
        raise ValueError(f"{text} is a secret, which no check may read; see `redis_unauthenticated: refused`")
    return text.lower()


def _flags(text: str) -> str:
    unknown = sorted(set(text) - set(EVENT_FLAGS))
    if not text or unknown:
        raise ValueError(f"expected flags out of {EVENT_FLAGS}" + (f", found {''.join(unknown)}" if unknown else ""))
    return text


class RedisSettingCheck(Expectations, OfValues):
    """The running value of a Redis setting. `flags` is for notify-keyspace-events: at least these events are on."""

    redis_setting: Annotated[str, AfterValidator(_redis_name)]
    flags: Annotated[str, AfterValidator(_flags)] | None = None

    @model_validator(mode="after")
    def _expects(self) -> RedisSettingCheck:
        if self.flags is not None and self.redis_setting != "notify-keyspace-events":
            raise ValueError("flags are of notify-keyspace-events only")
        if not self.expects_something and self.flags is None:
            raise ValueError(f"nothing is expected: give one of {', '.join(Expectations.model_fields)}, flags")
        return self

    def settings(self) -> tuple[str, ...]:
        """The one that it names."""
        return (self.redis_setting,)

    def sections(self) -> tuple[str, ...]:
        """Of what eviction would meet, the numbers of keys."""
        return ("keyspace",) if self.redis_setting == "maxmemory-policy" else ()


@compared
def decide(check: RedisSettingCheck, found: FoundValues, known: Circumstances) -> Verdict:
    """The running value is as expected, and of events at least those of `flags` are on."""
    name = check.redis_setting
    if found.hidden:
        return Verdict(CheckStatus.NOT_VISIBLE, f"{name} cannot be read: {found.hidden}")
    value = (found.config or {}).get(name)
    if value is None:
        return Verdict(CheckStatus.ERROR, f"this server knows no setting {name}", "config")
    seen = f"{name} is {_shown(name, value)}"
    missing = unmet(check, value, redis_scale(known.memory))
    if check.flags is not None:
        on, wanted = _events(value), _events(check.flags)
        if "n" in wanted - on and set(EVENT_CLASSES) <= on:
            return Verdict(CheckStatus.NOT_VISIBLE, f"{seen}: beside A the server does not show n", "config")
        lacking = "".join(sorted(wanted - on))
        missing = " and ".join(filter(None, [missing, f"at least the flags {check.flags}" if lacking else ""]))
    status, message, evidence = passed_if(missing, seen, "config")
    return Verdict(status, message + _eviction_note(name, value, found.info or {}), evidence)


def _events(flags: str) -> set[str]:
    return set(flags.replace("A", EVENT_CLASSES))


def _shown(name: str, value: str) -> str:
    if name in ("maxmemory", "auto-aof-rewrite-min-size", "active-defrag-ignore-bytes") and value.isdigit():
        return about(int(value)) if value != "0" else "0 (no limit)" if name == "maxmemory" else "0"
    return value or "empty"


def _eviction_note(name: str, value: str, keyspace: Mapping[str, str]) -> str:
    """A word of caution where an allkeys policy may evict what looks like data to be kept: most keys never expire."""
    if name != "maxmemory-policy" or not value.startswith("allkeys-"):
        return ""
    databases = [dict(part.split("=", 1) for part in text.split(",") if "=" in part) for text in keyspace.values()]
    keys = sum(int(database.get("keys", 0)) for database in databases)
    lasting = keys - sum(int(database.get("expires", 0)) for database in databases)
    if keys < MANY_KEYS or lasting * 2 <= keys:
        return ""
    return f"; note that {lasting:,} of {keys:,} keys never expire, and are evicted like all others"


TYPE = CheckType(RedisSettingCheck, System.REDIS, read, decide)
