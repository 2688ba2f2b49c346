"""What rights mean, and how two of them differ, in words: "may also run flushall", "may no longer read app:*".

Decided: docs/decisions.md#rules-in-words
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from reconciler.kinds.redis_user.rules.patterns import are_few, covers, overlap
from reconciler.kinds.redis_user.rules.rights import ALL_DATABASES, Commands, Rights, Selector

NAMED = 8
"""So many commands or patterns are named; of more, the number."""

FOLDED = ("dangerous", "admin", "write", "read", "scripting", "pubsub", "transaction", "connection", "blocking")
"""Categories that stand for all of their commands, beside those that the rules themselves name."""

_EVERY = {"~": "every key", "&": "every channel", "db": "every database"}
_OTHER = {"~": "keys", "&": "channels", "db": "databases"}
_VERBS = {frozenset("RW"): "read and write", frozenset("R"): "read", frozenset("W"): "write"}


def told(before: Rights | None, after: Rights, commands: Commands) -> tuple[str, ...]:
    """What somebody with `after` may and with `before` may not, and the other way round; of nobody, all that it may.

    The same both ways: `told(now, declared)` is what a plan changes, `told(declared, now)` how the server deviates.
    """
    also = "may" if before is None else "may also"
    start = before or Rights()
    found = [*_turned(before, after)]
    found += _of_permission(start.root, after.root, commands, also, fresh=before is None)
    ours, theirs = _by_meaning(start, commands), _by_meaning(after, commands)
    gained = [_whole(each, commands) for meaning, each in theirs.items() if meaning not in ours]
    lost = [_whole(each, commands) for meaning, each in ours.items() if meaning not in theirs]
    found += [f"{also}, apart from that, {each}" for each in gained]
    found += [f"may no longer, apart from that, {each}" for each in lost]
    if start.unsanitized != after.unsanitized:
        found.append(f"payloads of its RESTORE are {'not checked' if after.unsanitized else 'checked'}")
    return tuple(found)


def folded(names: frozenset[str], commands: Commands) -> str:
    """Commands by their categories, where they are all of one; as all but some, where that says it in fewer words."""
    every = commands.every - commands.containers
    if names >= every:
        return "every command"
    parts = _parts(set(names), commands)
    if 2 * len(names) > len(every):
        others = _parts(set(every - set(names)), commands)
        if len(others) < len(parts):
            return f"every command but {_listed(others)}"
    return _listed(parts)


def _parts(left: set[str], commands: Commands) -> list[str]:
    """Categories, the largest first, then whole commands, then what is left."""
    parts: list[str] = []
    known = {name: members - commands.containers for name, members in commands.categories.items()}
    for name in sorted(known, key=lambda each: (-len(known[each]), each)):
        # One that was covered by those before it would only repeat them.
        if len(known[name] & left) > 1 and known[name] <= left | _covered(parts, known):
            parts.append(f"@{name}")
            left = left - known[name]
    for container in sorted(commands.containers):
        members = {name for name in commands.every if name.startswith(f"{container}|")}
        if members <= left:
            parts.append(container)
            left = left - members
    return [*parts, *(name.replace("|", " ") for name in sorted(left))]


def _covered(parts: Iterable[str], known: Mapping[str, frozenset[str]]) -> set[str]:
    return {name for part in parts for name in known[part[1:]]}


def _turned(before: Rights | None, after: Rights) -> list[str]:
    if before is None:
        return [] if after.on else ["is off: nobody can log in as it"]
    return [] if before.on is after.on else ["is on" if after.on else "is off: nobody can log in as it"]


def _of_permission(before: Selector, after: Selector, commands: Commands, also: str, *, fresh: bool) -> list[str]:
    """How two sets of permissions differ, each in a sentence of its own; `fresh`: nothing was before."""
    gains, losses = _run(before, after, commands), _run(after, before, commands)
    found = [f"{also} run {gains}"] if gains else []
    found += [f"{also} {keys}" for keys in _keys(before, after)]
    found += [f"{also} use {used}" for used in _used(before, after, fresh=fresh)]
    found += [f"may no longer run {losses}"] if losses else []
    found += [f"may no longer {keys}" for keys in _keys(after, before, only=True)]
    return found + [f"may no longer use {used}" for used in _used(after, before, only=True)]


def _run(before: Selector, after: Selector, commands: Commands) -> str:
    """What `after` may run and `before` may not; empty where there is nothing."""
    names = after.effective(commands.containers) - before.effective(commands.containers)
    firsts = sorted(first for first in after.firsts - before.firsts if first.partition("|")[0] not in after.allowed)
    parts = [folded(names, commands)] if names else []
    parts += [first.replace("|", " ") for first in firsts]
    if after.future and not before.future:
        parts.append("what later versions or modules bring")
    return " and ".join(parts)


def _keys(before: Selector, after: Selector, *, only: bool = False) -> list[str]:
    """By what is done to them, the keys of `after` that `before` leaves out."""
    letters: dict[str, set[str]] = {}
    for letter in "RW":
        ours, theirs = (each.patterns(letter) for each in (before, after))
        for pattern in _keys_beyond(ours, theirs, only=only):
            letters.setdefault(pattern, set()).add(letter)
    by_letters: dict[frozenset[str], list[str]] = {}
    for pattern, done in letters.items():
        by_letters.setdefault(frozenset(done), []).append(pattern)
    return [f"{_VERBS[done]} {_listed(patterns)}" for done, patterns in by_letters.items()]


def _keys_beyond(ours: Collection[str], theirs: Collection[str], *, only: bool) -> list[str]:
    """As `_beyond`, of keys: what another pattern covers is neither gained nor lost, and of what goes a part may stay.

    That comes last, so that "other than" is of nothing else.
    """
    if "*" in (*ours, *theirs) or not are_few([*ours, *theirs]):
        return _beyond(ours, theirs, "~", only=only)
    whole: list[str] = []
    in_part: list[str] = []
    for pattern in sorted(theirs):
        if not any(covers(each, pattern) for each in ours):
            kept = sorted(each for each in ours if overlap(each, pattern)) if only else []
            (in_part if kept else whole).append(f"{pattern} other than {_listed(kept)}" if kept else pattern)
    return whole + in_part


def _used(before: Selector, after: Selector, *, only: bool = False, fresh: bool = False) -> list[str]:
    """The channels and databases of `after` that `before` leaves out. A new user has all databases: not worth a word,
    unless it has fewer."""
    found = [_beyond(before.channels, after.channels, "&", only=only)]
    ours, theirs = ({"*"} if each.databases == ALL_DATABASES else set(each.databases) for each in (before, after))
    databases = _beyond(set() if fresh else ours, theirs, "db", only=only)
    if only or not fresh or theirs != {"*"}:
        found.append([each if "database" in each else f"database {each}" for each in databases])
    return [_listed(each) for each in found if each]


def _beyond(ours: Collection[str], theirs: Collection[str], sign: str, *, only: bool) -> list[str]:
    """What is in `theirs` and not in `ours`, `*` being everything; `only`: it goes, and `ours` is all that stays."""
    if "*" in ours:
        return []
    if "*" not in theirs:
        return sorted(set(theirs) - set(ours))
    if not only:
        return [_EVERY[sign]]
    return [f"{_OTHER[sign]} other than {_listed(sorted(ours))}" if ours else f"any {_OTHER[sign].removesuffix('s')}"]


def _by_meaning(rights: Rights, commands: Commands) -> dict[object, Selector]:
    return {each.meaning(commands.containers): each for each in rights.selectors}


def _whole(selector: Selector, commands: Commands) -> str:
    """All that one set of permissions allows, as what somebody may."""
    parts = [f"run {_run(Selector(), selector, commands) or 'nothing'}"]
    parts += [*_keys(Selector(), selector), *(f"use {used}" for used in _used(Selector(), selector, fresh=True))]
    return ", ".join(parts)


def _listed(parts: Collection[str]) -> str:
    named = list(parts)[:NAMED]
    if len(parts) > NAMED:
        return f"{', '.join(named)} and {len(parts) - NAMED} more"
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
