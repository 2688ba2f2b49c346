"""Which new values are a risk: by the table of decisions, and here those that depend on more than two values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.formulas.memory_amounts import format_bytes
from reconciler.formulas.units import REDIS_BINARY
from reconciler.kinds.redis_setting.model import ObservedSetting
from reconciler.kinds.redis_setting.risk.table import decisions
from reconciler.kinds.redis_setting.values import buffer_limits, meaning, shown
from reconciler.kinds.redis_setting.values.parameters import ALIASES
from reconciler.model import Fact, Hazard, HazardType

EVERYWHERE = frozenset({"*", "0.0.0.0", "::", "::*"})  # noqa: S104 - names what is dangerous
"""Addresses in `bind` that mean every network."""

SMALL_BUFFERS = {"normal": 1 << 20, "pubsub": 1 << 20, "replica": 16 << 20}
"""Bytes: below, answers and streams of common sizes make the server close a client, or a replica start anew."""


FEW_CLIENTS = 100
"""A pool of connections of one application has as many."""


def hazards(name: str, observed: ObservedSetting, wanted: str) -> tuple[Hazard, ...]:
    """The risks of setting `name` to `wanted`, which differs from what is running.

    The messages hold no number that moves by itself: they are a part of what makes a change this very change.
    """
    running = observed.running or ""
    found = [
        Hazard(type=decision.hazard, message=_message(name, wanted, decision.reason))
        for decision in decisions(name)
        if decision.when(name, running, wanted)
    ]
    of_more = _OF_MORE.get(ALIASES.get(name, name))
    return (*found, *(of_more(observed, wanted) if of_more else ()))


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


def _message(name: str, wanted: str, reason: str) -> str:
    value = shown(name, wanted)
    return f"{name} {value}: {reason}" if value else f"{name} is emptied: {reason}"


def _appendonly(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    if wanted.lower() != "no":
        return
    if observed.save:
        yield _less_safe("appendonly no: writes since the last snapshot are lost in a crash")
    else:
        yield _less_safe(
            "appendonly no: save is empty, so that nothing is kept of the data: a restart, however clean, has none of "
            "the keys, or those of an old dump.rdb"
        )


def _save(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    running = observed.running or ""
    kept = observed.appendonly == "yes"
    if not wanted and running:
        left = "the append-only file alone keeps the data" if kept else "nothing is kept of the data, and a restart"
        more = "" if kept else ", however clean, has none of the keys, or those of an old dump.rdb"
        yield _less_safe(f'save "": snapshots are not made any more: {left}{more}')
    elif not kept and _rarer(running, wanted):
        yield _less_safe("save: snapshots come less often, and what is written since the last one is lost in a crash")


def _rarer(running: str, wanted: str) -> bool:
    """Whether some snapshot that is made by now would be made later, or after more changes."""
    now, then = meaning("save", running), meaning("save", wanted)
    assert isinstance(now, frozenset)  # noqa: S101 - what `save` means
    assert isinstance(then, frozenset)  # noqa: S101 - likewise
    return any(not any(s <= seconds and c <= changes for s, c in then) for seconds, changes in now)


def _bind(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    running, new = _addresses(observed.running or ""), _addresses(wanted)
    if EVERYWHERE & new and not EVERYWHERE & running:
        yield _less_safe("bind: the server listens on every network")
    elif new - running and not EVERYWHERE & running:
        yield _less_safe("bind: the server listens on one more network")
    if running - new and not EVERYWHERE & new:
        yield _stops(f"bind: clients that come in by {' or '.join(sorted(running - new))} are refused")


def _addresses(bind: str) -> set[str]:
    """Without the dash, which says that the address may be missing."""
    return {address.removeprefix("-") for address in bind.split()}


def _buffers(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    now = buffer_limits(observed.running) if observed.running else {}
    for of_whom, limits in buffer_limits(wanted).items():
        small = SMALL_BUFFERS[of_whom]
        if any(
            0 < limit < small and (not before or limit < before)
            for limit, before in zip(limits[:2], now.get(of_whom, (0, 0, 0))[:2], strict=True)
        ):
            yield _stops(f"client-output-buffer-limit {of_whom}: below {format_bytes(small)}, clients are closed early")


def _maxclients(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    lowered = int(wanted) < int(observed.running or "0")
    if lowered and int(wanted) < max(FEW_CLIENTS, 2 * (observed.clients or 0)):
        yield _stops("maxclients: clients beyond are refused, and there are soon as many")


def _maxmemory(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    limit = int(str(meaning("maxmemory", wanted)))
    if not limit:
        return
    if observed.holds is None:
        yield _evicts("how much the server holds is not to be seen without INFO: it may be more than this")
    elif observed.holds > limit:
        yield _too_full(observed.policy)


def _policy(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    if observed.limit and observed.holds is not None and observed.holds > observed.limit:
        yield _too_full(wanted.lower())


def _too_full(policy: str) -> Hazard:
    if policy == "noeviction":
        return _stops("the server holds more than maxmemory: noeviction refuses every write until keys are deleted")
    return _evicts(f"the server holds more than maxmemory: {policy or 'its policy'} evicts keys at once")


def _replicas(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    if observed.replicas is not None and int(wanted) > observed.replicas:
        yield _stops("min-replicas-to-write: fewer replicas are connected, so that every write is refused")


def _protected(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    if wanted.lower() == "yes" and observed.open_to_others:
        yield _stops("protected-mode yes: the default user needs no password, so that other machines are not answered")


def _snapshots(observed: ObservedSetting, wanted: str) -> Iterator[Hazard]:
    if wanted.lower() == "yes" and observed.snapshots_fail:
        yield _stops("stop-writes-on-bgsave-error yes: the last snapshot failed, so that every write is refused")


_OF_MORE: Mapping[str, Callable[[ObservedSetting, str], Iterator[Hazard]]] = {
    "appendonly": _appendonly,
    "bind": _bind,
    "client-output-buffer-limit": _buffers,
    "maxclients": _maxclients,
    "maxmemory": _maxmemory,
    "maxmemory-policy": _policy,
    "min-replicas-to-write": _replicas,
    "protected-mode": _protected,
    "save": _save,
    "stop-writes-on-bgsave-error": _snapshots,
}


def _rounded(amount: int) -> str:
    """At least three digits of it: 1945MB, not 1GB."""
    unit = max(unit for unit in REDIS_BINARY.values() if unit == 1 or amount >= 100 * unit)
    return format_bytes(amount // unit * unit)


def _less_safe(message: str) -> Hazard:
    return Hazard(type=HazardType.LESS_SAFE, message=message)


def _evicts(message: str) -> Hazard:
    return Hazard(type=HazardType.EVICTS_KEYS, message=message)


def _stops(message: str) -> Hazard:
    return Hazard(type=HazardType.STOPS_SERVICE, message=message)
