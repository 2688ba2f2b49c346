"""Items about Redis' settings, statistics and health: what CONFIG GET and INFO answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.kinds.check.expectations import MemoryUnknown, NotComparable, about, number, redis_scale, unmet
from reconciler.kinds.check.model import (
    RedisFragmentationCheck,
    RedisInfoCheck,
    RedisPersistenceCheck,
    RedisSettingCheck,
)
from reconciler.kinds.check.types.redis_answers import ask
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict, passed_if
from reconciler.model import CheckStatus, Frozen

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession

AnyValueCheck = RedisSettingCheck | RedisInfoCheck | RedisPersistenceCheck | RedisFragmentationCheck

SMALLEST_JUDGED = 5 << 20
"""Bytes of used memory below which fragmentation says nothing (MEMORY DOCTOR calls such an instance empty)."""

EVENT_CLASSES = "g$lshzxetd"
"""What the flag A of notify-keyspace-events stands for (redis.conf, 6.2 to 7; the same in Valkey 9)."""

MANY_KEYS = 1000
"""Fewer keys than this are not worth a word about how many of them never expire."""


class FoundValues(Frozen):
    """What the server answered for one item. Each part is None where it was not asked for; `hidden` says why CONFIG
    could not be asked, where it could not."""

    config: Mapping[str, str] | None = None
    info: Mapping[str, str] | None = None
    hidden: str = ""


def read(session: RedisSession, checks: Mapping[Part, AnyValueCheck]) -> dict[Part, FoundValues | Unavailable]:
    """All settings and INFO sections in one round trip. Raises ConnectionFailed."""
    names = sorted({name for check in checks.values() for name in _settings(check)})
    sections = sorted({section for check in checks.values() for section in _sections(check)})
    commands: list[tuple[str, ...]] = [("CONFIG", "GET", name) for name in names]
    commands += [("INFO", section) for section in sections]
    answers = dict(zip(commands, ask(session, commands), strict=True))
    return {part: _found(check, answers) for part, check in checks.items()}


def _settings(check: AnyValueCheck) -> tuple[str, ...]:
    match check:
        case RedisSettingCheck():
            return (check.redis_setting,)
        case RedisPersistenceCheck():
            return ("save", "appendonly")
        case _:
            return ()


def _sections(check: AnyValueCheck) -> tuple[str, ...]:
    match check:
        case RedisSettingCheck():
            return ("keyspace",) if check.redis_setting == "maxmemory-policy" else ()
        case RedisInfoCheck():
            return (check.section,)
        case RedisPersistenceCheck():
            return ("persistence",)
        case RedisFragmentationCheck():
            return ("memory",)


def _found(check: AnyValueCheck, answers: Mapping[tuple[str, ...], Any]) -> FoundValues | Unavailable:
    config: dict[str, str] = {}
    info: dict[str, str] = {}
    hidden = ""
    for name in _settings(check):
        answer = answers["CONFIG", "GET", name]
        if isinstance(answer, Unavailable):
            hidden = answer.message
        else:
            config |= {key.lower(): value for key, value in answer.items()}
    for section in _sections(check):
        answer = answers["INFO", section]
        if isinstance(answer, Unavailable):
            return answer
        info |= {field: str(value) for field, value in answer.items()}
    if hidden and isinstance(check, RedisSettingCheck):
        return Unavailable(status=CheckStatus.NOT_VISIBLE, message=f"{check.redis_setting} cannot be read: {hidden}")
    return FoundValues(config=config, info=info, hidden=hidden)


def decide(check: AnyValueCheck, found: FoundValues, memory: int | None) -> Verdict:
    """As each check's own rule below says."""
    try:
        match check:
            case RedisSettingCheck():
                return _setting(check, found, memory)
            case RedisInfoCheck():
                return _info(check, found, memory)
            case RedisPersistenceCheck():
                return _persistence(found)
            case RedisFragmentationCheck():
                return _fragmentation(check, found)
    except MemoryUnknown as error:
        return Verdict(CheckStatus.NOT_VISIBLE, str(error), "live")
    except NotComparable as error:
        return Verdict(CheckStatus.ERROR, f"cannot be compared: {error}", "live")


def _setting(check: RedisSettingCheck, found: FoundValues, memory: int | None) -> Verdict:
    name = check.redis_setting
    value = (found.config or {}).get(name)
    if value is None:
        return Verdict(CheckStatus.ERROR, f"this server knows no setting {name}", "config")
    seen = f"{name} is {_shown(name, value)}"
    missing = unmet(check, value, redis_scale(memory))
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


def _info(check: RedisInfoCheck, found: FoundValues, memory: int | None) -> Verdict:
    value = (found.info or {}).get(check.redis_info)
    if value is None:
        return Verdict(
            CheckStatus.ERROR, f"INFO {check.section} of this server has no field {check.redis_info}", "live"
        )
    return passed_if(unmet(check, value, redis_scale(memory)), f"{check.redis_info} is {value}", "live")


def _persistence(found: FoundValues) -> Verdict:
    """Facts: rdb_last_bgsave_status, aof_last_write_status, aof_last_bgrewrite_status; of what is switched on only."""
    config, info = found.config or {}, found.info or {}
    appends = config.get("appendonly") == "yes" or info.get("aof_enabled") == "1"
    saves = bool(config.get("save"))
    if found.hidden and not appends:
        return Verdict(CheckStatus.NOT_VISIBLE, f"the append-only file is off, and save cannot be read: {found.hidden}")
    if not appends and not saves:
        return Verdict(CheckStatus.FAIL, "nothing is persisted: save is empty and appendonly is no", "live")
    looked_at: tuple[str, ...] = ("aof_last_write_status", "aof_last_bgrewrite_status") if appends else ()
    looked_at += ("rdb_last_bgsave_status",) if saves else ()
    broken = [f"{name} is {info[name]}" for name in looked_at if info.get(name, "ok") != "ok"]
    means = " and ".join(filter(None, ["the append-only file" if appends else "", "snapshots" if saves else ""]))
    if broken:
        return Verdict(CheckStatus.FAIL, f"{means} on, but {', '.join(broken)}", "live")
    return Verdict(CheckStatus.PASS, f"{means} on, the last writes went well", "live")


def _fragmentation(check: RedisFragmentationCheck, found: FoundValues) -> Verdict:
    info = found.info or {}
    wanted = ("used_memory", "mem_fragmentation_ratio", "mem_fragmentation_bytes")
    absent = [name for name in wanted if name not in info]
    if absent:
        return Verdict(CheckStatus.ERROR, f"INFO memory of this server has no {', '.join(absent)}", "live")
    used, ratio, lost = (number(info[name]) for name in wanted)
    seen = f"fragmentation {info[wanted[1]]}, {_megabytes(int(lost))} of {_megabytes(int(used))}"
    if used < SMALLEST_JUDGED:
        return Verdict(CheckStatus.NO_DATA, f"{seen}: below {about(SMALLEST_JUDGED)} a ratio says nothing", "live")
    scale = redis_scale(None)
    if ratio > number(check.redis_fragmentation) and lost > scale.amount(check.bytes):
        return Verdict(
            CheckStatus.FAIL, f"{seen}; wanted at most {check.redis_fragmentation}, or less than {check.bytes}", "live"
        )
    return Verdict(CheckStatus.PASS, seen, "live")


def _megabytes(amount: int) -> str:
    return f"{amount / (1 << 20):.1f}MB"
