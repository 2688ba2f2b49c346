"""Which new values are a risk."""

from __future__ import annotations

from reconciler.desired.expressions import format_bytes
from reconciler.kinds.redis_setting.model import ObservedSetting
from reconciler.kinds.redis_setting.values import meaning
from reconciler.model import Fact, Hazard, HazardType

WEAKER: dict[tuple[str, str], str] = {
    ("appendonly", "no"): "writes since the last snapshot are lost in a crash",
    ("appendfsync", "no"): "the operating system decides when writes reach the disk: a crash may lose half a minute",
    (
        "no-appendfsync-on-rewrite",
        "yes",
    ): "a crash during a rewrite may lose half a minute of writes",
    ("protected-mode", "no"): "without a password, everyone who reaches the port may do everything",
    ("stop-writes-on-bgsave-error", "no"): "writes go on although they cannot be saved",
    ("replica-read-only", "no"): "what is written to a replica is lost, and differs from its primary",
    ("slave-read-only", "no"): "what is written to a replica is lost, and differs from its primary",
    ("acl-pubsub-default", "allchannels"): "new users may use every channel",
    ("sanitize-dump-payload", "no"): "RESTORE takes payloads unchecked",
    ("tls-auth-clients", "no"): "clients need no certificate",
    ("tls-auth-clients", "optional"): "clients need no certificate",
    ("tls-port", "0"): "there is no encrypted port any more",
    ("min-replicas-to-write", "0"): "writes are taken although no replica has them",
    ("min-slaves-to-write", "0"): "writes are taken although no replica has them",
}
"""New values that reduce durability or security, whatever the value before was (redis.conf says why of each)."""

EVERYWHERE = frozenset({"*", "-*", "0.0.0.0", "::", "-::"})  # noqa: S104 - names what is dangerous
"""Addresses in `bind` that mean every network."""


def hazards(name: str, observed: ObservedSetting, wanted: str) -> tuple[Hazard, ...]:
    """The risks of setting `name` to `wanted`, which differs from what is running.

    The messages hold no number that moves by itself: they are a part of what makes a change this very change.
    """
    found = []
    running = observed.running or ""
    means = str(meaning(name, wanted)) if (name, wanted.lower()) in WEAKER else ""
    if means and WEAKER[(name, means)]:
        found.append(_less_safe(f"{name} {means}: {WEAKER[(name, means)]}"))
    if (name, wanted.lower(), running) == ("appendfsync", "everysec", "always"):
        found.append(_less_safe("appendfsync everysec: a crash may lose the last second of writes"))
    if name == "save" and not wanted and running:
        found.append(_less_safe('save "": snapshots are not made any more'))
    if name == "requirepass" and not wanted:
        found.append(_less_safe("requirepass is emptied: the default user needs no password"))
    if name == "bind" and EVERYWHERE & set(wanted.split()) and not EVERYWHERE & set(running.split()):
        found.append(_less_safe("bind: the server listens on every network"))
    if name == "maxmemory" and int(str(meaning(name, wanted))):
        if observed.holds is None:
            found.append(_evicts("how much the server holds is not to be seen without INFO: it may be more than this"))
        elif _holds_more(observed, int(str(meaning(name, wanted)))):
            found.append(_evicts(f"the server holds more than the new limit: {_under(observed.policy)}"))
    if name == "maxmemory-policy" and wanted.lower() != "noeviction" and _holds_more(observed, observed.limit):
        found.append(_evicts(f"the server holds more than maxmemory: {_under(wanted.lower())}"))
    return tuple(found)


def evidence(observed: ObservedSetting) -> tuple[Fact, ...]:
    """The numbers behind EVICTS_KEYS."""
    if observed.holds is None:
        return ()
    return (Fact(name="used_memory", value=observed.holds, unit="bytes"),)


def memory_note(name: str, observed: ObservedSetting, wanted: str) -> str:
    """Both numbers of EVICTS_KEYS in a sentence, as far as they are known."""
    limit = observed.limit if name == "maxmemory-policy" else int(str(meaning(name, wanted)))
    holds = "an unknown amount" if observed.holds is None else _rounded(observed.holds)
    return f"holds {holds}, the limit is {_rounded(limit)}"


def _holds_more(observed: ObservedSetting, limit: int) -> bool:
    return bool(limit) and observed.holds is not None and observed.holds > limit


def _under(policy: str) -> str:
    if policy == "noeviction":
        return "noeviction refuses every write until keys are deleted"
    return f"{policy or 'its policy'} evicts keys at once"


def _rounded(amount: int) -> str:
    """At least three digits of it: 1945MB, not 1GB."""
    unit = max(unit for unit in (1, 1024, 1024**2, 1024**3) if unit == 1 or amount >= 100 * unit)
    return format_bytes(amount // unit * unit)


def _less_safe(message: str) -> Hazard:
    return Hazard(type=HazardType.LESS_SAFE, message=message)


def _evicts(message: str) -> Hazard:
    return Hazard(type=HazardType.EVICTS_KEYS, message=message)
