"""What differs, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from reconciler.formulas.units import REDIS_BINARY, REDIS_MEMORY
from reconciler.kinds.redis_setting.file_only import lines, lost
from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.kinds.redis_setting.risk.hazards import evidence, hazards, memory_note
from reconciler.kinds.redis_setting.risk.replica_passwords import hazards_of_password
from reconciler.kinds.redis_setting.steps import persist, steps, undo
from reconciler.kinds.redis_setting.values import shown
from reconciler.kinds.redis_setting.values.accepted_ranges import refusal
from reconciler.kinds.redis_setting.values.parameters import FILE_ONLY, KNOWN, MEMORY, PROTECTED, is_immutable
from reconciler.model import (
    SENSITIVE,
    Action,
    Change,
    Difference,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    RedisStep,
    SecretRef,
)
from reconciler.targets.redis.managed import way_of_setting
from reconciler.targets.redis.unloadable_users import DENIED

UNREACHABLE_AFTER = frozenset({"port", "tls-port"})
"""Changed at once by CONFIG SET, and with it the door that every client knows: a person has to plan that."""

OF_MEMORY = frozenset({"maxmemory", "maxmemory-policy"})

TOO_FULL = frozenset({HazardType.EVICTS_KEYS, HazardType.STOPS_SERVICE})


def plan(desired: RedisSetting, observed: ObservedSetting) -> Sequence[Outcome]:
    """The outcomes of one setting. Pure."""
    blocked = _blocked(desired, observed)
    if blocked is not None:
        return [blocked]
    if observed.rewrite_breaks and (not observed.in_sync or observed.in_file == "other"):
        return [_notice(desired, NoticeType.BLOCKED, observed.rewrite_breaks)]
    if not observed.in_sync:
        return [_change(desired, observed)]
    if _writes_append_only(desired, observed):
        if observed.append_only_file in ("failed", "not-written"):
            message = FAILED if observed.append_only_file == "failed" else NOT_WRITTEN
            return [_notice(desired, NoticeType.BLOCKED, message)]
        if observed.append_only_file == "being-written" and observed.in_file == "not-visible" and observed.config_file:
            return [_persisting(desired, observed)]
    if observed.in_file == "other":
        return [_persisting(desired, observed)]
    fixed = is_immutable(desired.parameter, observed.product, observed.version)
    if observed.config_file == "" and not observed.aclfile and not fixed and observed.persists:
        message = "the server has no config file, so that a restart undoes what was set"
        return [_notice(desired, NoticeType.NOT_PERSISTED, message)]
    return []


FAILED = (
    "it runs, and the last rewrite of the append-only file failed (aof_last_bgrewrite_status:err), so that it is not "
    "known to be whole: see the server's log, then run BGREWRITEAOF"
)

NOT_WRITTEN = (
    "it runs, and the last write into the append-only file failed (aof_last_write_status:err), so that what is written "
    "since may be lost: see the server's log, and whether its disk is full"
)


def _writes_append_only(desired: RedisSetting, observed: ObservedSetting) -> bool:
    return desired.parameter == "appendonly" and (observed.wanted or "").lower() == "yes"


def _blocked(desired: RedisSetting, observed: ObservedSetting) -> Notice | None:
    """Why nothing can be run; None where it can, or need not."""
    name, server = desired.parameter, observed.server
    match observed.state:
        case "hidden":
            return _notice(desired, NoticeType.NOT_VISIBLE, observed.message)
        case "no-config":
            return _notice(desired, NoticeType.BLOCKED, _without_config(desired, observed))
        case "unknown" if name in FILE_ONLY:
            message = f"{name} can only be written into the configuration file by hand, and no command reads it"
            return _notice(desired, NoticeType.BLOCKED, message)
        case "unknown" if observed.owner and name in KNOWN:
            message = f"{observed.owner} does not show it: {_way(desired, observed)}"
            return _notice(desired, NoticeType.BLOCKED, message)
        case "unknown":
            near = get_close_matches(name, KNOWN, n=2)
            proposal = f"; did you mean {' or '.join(near)}?" if near and name not in KNOWN else ""
            return _notice(desired, NoticeType.BLOCKED, f"unknown to {server}{proposal}")
    if observed.problem:
        return _notice(desired, NoticeType.BLOCKED, observed.problem)
    if observed.in_sync and name != "watchdog-period":  # on 6.2 it runs, and no file takes it
        return None
    impossible = "" if observed.wanted is None else refusal(name, observed.wanted, observed.product, observed.version)
    if impossible:
        return _notice(desired, NoticeType.BLOCKED, f"{server} would not run with it: {impossible}")
    if observed.in_sync:
        return None
    if is_immutable(name, observed.product, observed.version) or name in PROTECTED:
        return _for_the_file(desired, observed, "a running server refuses to change it")
    if name in UNREACHABLE_AFTER:
        return _for_the_file(desired, observed, "clients, and this tool, would look for it at the old port")
    if observed.locks_out:
        message = f"this tool would be locked out: {observed.locks_out}"
        return _notice(desired, NoticeType.BLOCKED, message)
    return None


def _for_the_file(desired: RedisSetting, observed: ObservedSetting, reason: str) -> Notice:
    name, running = desired.parameter, observed.running or ""
    wanted = desired.value if observed.wanted is None else observed.wanted
    now = shown(name, running) or "nothing"
    if observed.in_file == "as-declared":
        message = (
            f"runs with {now}; {observed.line} has {wanted}, and a restart brings it, unless a CONFIG REWRITE comes "
            f"before and writes {now} there again"
        )
        return _notice(desired, NoticeType.WAITS_FOR_RESTART, message)
    cost = "" if isinstance(wanted, SecretRef) else lost(name, running, wanted) or _risks(desired, observed, wanted)
    owned = f", with {observed.owner}: {_way(desired, observed)}" if observed.owner else ""
    message = (
        f"runs with {now}; {reason}. Write into {observed.config_file or 'its configuration'}: "
        f"{_lines(desired, observed)}; then restart, before the next CONFIG REWRITE writes {now} there again"
        f"{f'. {cost[0].upper()}{cost[1:]}' if cost else ''}{owned}"
    )
    return _notice(desired, NoticeType.BLOCKED, message)


def _risks(desired: RedisSetting, observed: ObservedSetting, wanted: str) -> str:
    return "; ".join(f"{risk.type}: {risk.message}" for risk in hazards(desired.parameter, observed, wanted))


def _without_config(desired: RedisSetting, observed: ObservedSetting) -> str:
    """What there is to do where CONFIG is missing: at the provider, where one is recognised."""
    if observed.owner:
        return f"{observed.owner} keeps CONFIG to itself: {_way(desired, observed)}"
    return (
        f"{observed.server} has no CONFIG command, and no provider is recognised. If rename-command renamed it, write "
        f"into its configuration file: {_lines(desired, observed)}; then restart. {_way(desired, observed)}"
    )


def _way(desired: RedisSetting, observed: ObservedSetting) -> str:
    value = "VALUE" if isinstance(desired.value, SecretRef) else observed.wanted or desired.value
    way = way_of_setting(observed.owner, observed.product, desired.parameter, value)
    return f"{way[0].upper()}{way[1:]}" if not observed.owner else way


def _lines(desired: RedisSetting, observed: ObservedSetting) -> str:
    if isinstance(desired.value, SecretRef):
        return f"{desired.parameter} {SENSITIVE}"
    value = observed.wanted if observed.wanted is not None else desired.value
    return " and, on a line of its own, ".join(lines(desired.parameter, value))


def _persisting(desired: RedisSetting, observed: ObservedSetting) -> Outcome:
    """It runs as declared, and a start would bring something else."""
    secret = observed.running is None
    where = observed.line or f"{observed.config_file}, which has no line for it"
    other = "another one" if secret else observed.persisted or _NOTHING
    if observed.in_file == "not-visible":
        reason = "whether its file has it is not to be seen: that is still being written"
    else:
        reason = f"a restart would bring {other}, from {where}"
    if not observed.rewritable:
        message = f"{reason}; CONFIG REWRITE writes to the main file alone: {_take_out(observed)}"
        return _notice(desired, NoticeType.NOT_PERSISTED, message)
    value = SENSITIVE if secret else shown(desired.parameter, observed.running or "", observed.wanted or "")
    return Change(
        address=desired.address,
        action=Action.UPDATE,
        before={"value": value, "persisted": SENSITIVE if secret else observed.persisted},
        after={"value": value, "persisted": value},
        sensitive=("value", "persisted") if secret else (),
        difference=Difference.NOT_PERSISTED,
        reason=reason,
        why=desired.why,
        summary=f"{value or _NOTHING}, to be persisted",
        notes=tuple(_overwriting(observed)),
        steps=_with(() if secret else _of_a_restart(desired, observed), persist(observed)),
        forbidden=_forbidden(observed),
        desired=desired.model_copy(update={"beside": observed.beside}).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _take_out(observed: ObservedSetting) -> str:
    return "take it out of the command line" if observed.argument else "change it there"


def _of_a_restart(desired: RedisSetting, observed: ObservedSetting) -> tuple[Hazard, ...]:
    """What is less safe after the next restart than it would be with what the file has now."""
    there = observed.model_copy(update={"running": observed.persisted})
    found = hazards(desired.parameter, there, observed.wanted or "") if observed.in_file == "other" else ()
    return tuple(risk for risk in found if risk.type is HazardType.LESS_SAFE)


def _with(risks: tuple[Hazard, ...], steps: tuple[RedisStep, ...]) -> tuple[RedisStep, ...]:
    """`steps`, the first of them with `risks`."""
    return tuple(step.model_copy(update={"hazards": risks}) if not at else step for at, step in enumerate(steps))


def _change(desired: RedisSetting, observed: ObservedSetting) -> Change:
    name = desired.parameter
    secret = isinstance(desired.value, SecretRef) or observed.running is None
    wanted = "" if observed.wanted is None else observed.wanted
    risks = hazards_of_password(observed.cut_off, observed.watched)
    risks += hazards(name, observed, SENSITIVE if isinstance(desired.value, SecretRef) else wanted)
    too_full = name in OF_MEMORY and any(risk.type in TOO_FULL for risk in risks)
    if secret:
        before = SENSITIVE if observed.is_set else ""
        after = SENSITIVE if isinstance(desired.value, SecretRef) else ""
        summary = SENSITIVE
    else:
        before, after = shown(name, observed.running or "", wanted), shown(name, wanted)
        summary = f"{before or _NOTHING} → {after or _NOTHING}"
    return Change(
        address=desired.address,
        action=Action.UPDATE,
        before={"value": before},
        after={"value": after},
        sensitive=("value",) if secret else (),
        difference=Difference.NOT_RUNNING if observed.in_file == "as-declared" else Difference.DIFFERS,
        reason=_reason(observed),
        why=desired.why,
        summary=summary,
        notes=tuple(_notes(desired, observed, wanted, too_full)),
        steps=steps(desired, observed, wanted, risks),
        undo=() if secret else undo(name, observed),
        forbidden=_forbidden(observed),
        evidence=evidence(observed) if too_full else (),
        desired=desired.model_copy(update={"beside": observed.beside}).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _forbidden(observed: ObservedSetting) -> str:
    """Why the steps may not be run by who sees no more: no file is written that the server may not start with."""
    return "" if observed.users_seen or not persist(observed) else DENIED


def _reason(observed: ObservedSetting) -> str:
    if observed.bypassed:
        return "the default user logs in with something else, set by ACL SETUSER"
    if observed.in_file == "as-declared" and observed.line:
        return f"{observed.line} has it"
    return ""


_NOTHING = '""'


def _notes(desired: RedisSetting, observed: ObservedSetting, wanted: str, too_full: bool) -> list[str]:
    name = desired.parameter
    notes = [observed.computed] if observed.computed else []
    unit = wanted[-1:].lower()
    if name in MEMORY and unit in REDIS_MEMORY.keys() - REDIS_BINARY.keys():
        notes.append(f"{wanted} counts in thousands; {wanted[:-1]}{unit}b would count in 1024s")
    if too_full:
        notes.append(memory_note(name, observed, wanted))
    if not observed.url_has_it:
        notes.append("the target's URL does not carry it: until it follows, the declared one is used")
    notes += _overwriting(observed)
    if not observed.rewritable and observed.running is not None:
        notes.append(f"a restart brings {observed.persisted or _NOTHING} again, from {observed.line}")
    if observed.config_file == "" and observed.persists:
        notes.append("running, not persisted: the server has no config file")
    if observed.config_file is None:
        notes.append("whether the server has a config file is not to be seen without INFO: taken for granted")
    return notes


def _overwriting(observed: ObservedSetting) -> list[str]:
    return [f"CONFIG REWRITE overwrites {line}, which waits for a restart" for line in observed.overwritten]


def _notice(desired: RedisSetting, kind: NoticeType, message: str) -> Notice:
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)
