"""What differs, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from reconciler.kinds.redis_setting.hazards import evidence, hazards, memory_note
from reconciler.kinds.redis_setting.model import ObservedSetting, RedisSetting
from reconciler.kinds.redis_setting.parameters import FILE_ONLY, KNOWN, MEMORY, PROTECTED, is_immutable
from reconciler.kinds.redis_setting.steps import steps, undo
from reconciler.kinds.redis_setting.values import shown
from reconciler.model import SENSITIVE, Action, Change, HazardType, Notice, NoticeType, Outcome, SecretRef

UNREACHABLE_AFTER = frozenset({"port", "tls-port"})
"""Changed at once by CONFIG SET, and with it the door that every client knows: a person has to plan that."""

DEPRECATED_UNIT = {"k": "kb", "m": "mb", "g": "gb"}


def plan(desired: RedisSetting, observed: ObservedSetting) -> Sequence[Outcome]:
    """The outcomes of one setting. Pure."""
    name = desired.parameter
    blocked = _blocked(desired, observed)
    if blocked is not None:
        return [blocked]
    if not observed.in_sync:
        return [_change(desired, observed)]
    if observed.config_file == "" and not is_immutable(name, observed.product, observed.version):
        message = "running, not persisted: the server has no config file, so that a restart undoes what was set"
        return [_notice(desired, NoticeType.NOT_PERSISTED, message)]
    return []


def _blocked(desired: RedisSetting, observed: ObservedSetting) -> Notice | None:
    name, server = desired.parameter, observed.server
    match observed.state:
        case "hidden":
            return _notice(desired, NoticeType.NOT_VISIBLE, observed.message)
        case "no-config":
            message = (
                f"{server} has no CONFIG command: a provider keeps it, or it was renamed. Set "
                f"{_line(desired, observed)} in the provider's own parameters, or in the file"
            )
            return _notice(desired, NoticeType.BLOCKED, message)
        case "unknown" if name in FILE_ONLY:
            message = f"{name} can only be written into the configuration file by hand, and no command reads it"
            return _notice(desired, NoticeType.BLOCKED, message)
        case "unknown":
            near = get_close_matches(name, KNOWN, n=2)
            proposal = f"; did you mean {' or '.join(near)}?" if near and name not in KNOWN else ""
            return _notice(desired, NoticeType.BLOCKED, f"unknown to {server}{proposal}")
    if observed.problem:
        return _notice(desired, NoticeType.BLOCKED, observed.problem)
    if observed.in_sync:
        return None
    if is_immutable(name, observed.product, observed.version) or (name in PROTECTED and not observed.may_be_set):
        return _notice(desired, NoticeType.BLOCKED, _for_the_file(desired, observed, "a running server refuses it"))
    if name in UNREACHABLE_AFTER:
        reason = "clients, and this tool, would look for it at the old port"
        return _notice(desired, NoticeType.BLOCKED, _for_the_file(desired, observed, reason))
    return None


def _for_the_file(desired: RedisSetting, observed: ObservedSetting, reason: str) -> str:
    where = observed.config_file or "its configuration"
    running = shown(desired.parameter, observed.running or "")
    return f"runs with {running or 'nothing'}; {reason}. Write into {where}: {_line(desired, observed)}; then restart"


def _line(desired: RedisSetting, observed: ObservedSetting) -> str:
    if isinstance(desired.value, SecretRef):
        return f"{desired.parameter} {SENSITIVE}"
    value = observed.wanted if observed.wanted is not None else desired.value
    return f'{desired.parameter} "{value}"' if not value or " " in value else f"{desired.parameter} {value}"


def _change(desired: RedisSetting, observed: ObservedSetting) -> Change:
    name = desired.parameter
    secret = isinstance(desired.value, SecretRef) or observed.running is None
    wanted = "" if observed.wanted is None else observed.wanted
    risks = () if isinstance(desired.value, SecretRef) else hazards(name, observed, wanted)
    evicts = any(risk.type is HazardType.EVICTS_KEYS for risk in risks)
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
        reason="the default user logs in with something else, set by ACL SETUSER" if observed.bypassed else "",
        why=desired.why,
        summary=summary,
        notes=tuple(_notes(desired, observed, wanted, evicts)),
        steps=steps(desired, observed, wanted, risks),
        undo=() if secret else undo(name, observed),
        evidence=evidence(observed) if evicts else (),
        desired=desired.model_copy(update={"beside": observed.beside}).model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


_NOTHING = '""'


def _notes(desired: RedisSetting, observed: ObservedSetting, wanted: str, evicts: bool) -> list[str]:
    name = desired.parameter
    notes = [observed.computed] if observed.computed else []
    unit = wanted[-1:].lower()
    if name in MEMORY and unit in DEPRECATED_UNIT:
        notes.append(f"{wanted} counts in thousands; {wanted[:-1]}{DEPRECATED_UNIT[unit]} would count in 1024s")
    if evicts:
        notes.append(memory_note(name, observed, wanted))
    if not observed.url_has_it:
        notes.append("the target's URL must carry the new password from now on")
    if observed.config_file == "":
        notes.append("running, not persisted: the server has no config file")
    if observed.config_file is None:
        notes.append("whether the server has a config file is not to be seen without INFO: taken for granted")
    return notes


def _notice(desired: RedisSetting, kind: NoticeType, message: str) -> Notice:
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)
