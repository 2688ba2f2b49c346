"""What rules allow: the language of ACL SETUSER, evaluated as the server does.

The server does not keep what was written. Redis 6.2 and 7.0 work out anew how to say what a user may: `+@all
-@dangerous +info` reads back as `+@all -@admin -keys …`. So both sides are evaluated, with the server's own table of
commands (ACL CAT), and what they allow is compared. Commands of modules that are loaded later are beyond it, but for
whether the rules start from all or from nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.kinds.redis_user.patterns import are_few, without_parts
from reconciler.kinds.redis_user.since import APART, DATABASES, Versions, lacks, why_not

_PATTERN = re.compile(r"(?:~|%(?P<access>[Rr][Ww]?|[Ww][Rr]?)~)(?P<pattern>\S*)")
_DATABASES = re.compile(r"db=\d{1,20}(,\d{1,20})*", re.IGNORECASE)
_COMMAND = re.compile(r"(?P<sign>[+-])(?P<name>@?[A-Za-z0-9_.:-]+)(?:\|(?P<sub>[^\s'\"]+))?")
"""6.2 has a command `host:`, which it prints in rules. No quote: ACL SETUSER with one there ends Valkey 9.1.2."""
_CHANNEL = re.compile(r"&\S*")
FLAGS = frozenset(
    {"on", "off", "nopass", "sanitize-payload", "skip-sanitize-payload", "allkeys", "resetkeys", "allchannels"}
    | {"resetchannels", "allcommands", "nocommands", "clearselectors", "alldbs", "resetdbs"}
)
ALL_DATABASES = frozenset({"alldbs"})
LAST_DATABASE = 2**31 - 1

PASSWORDS = re.compile(r"[<>#!].*|resetpass")


class RuleProblem(ValueError):
    """Rules that cannot be, or that this server would refuse. The text says which and why."""


@dataclass(frozen=True)
class Commands:
    """A server's commands: all of them (`config|get` and `config` from 7.0 on, `config` before), and by category."""

    version: tuple[int, ...]
    every: frozenset[str]
    categories: Mapping[str, frozenset[str]]
    all_channels: bool
    """Whether a new user may use every channel (`acl-pubsub-default`)."""
    product: str = "Redis"

    @cached_property
    def containers(self) -> frozenset[str]:
        """Commands that are nothing without a subcommand: whether they are allowed by themselves has no meaning."""
        return frozenset(name.partition("|")[0] for name in self.every if "|" in name)


@dataclass
class Selector:
    """One set of permissions. `keys` by pattern: the letters R and W; `apart`: by denied command, those that may be run
    with one first argument.

    `by_text`: the user has too many patterns of keys to find out which of them are parts of others.
    """

    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    future: bool = False
    allowed: set[str] = field(default_factory=set)
    apart: dict[str, set[str]] = field(default_factory=dict)
    databases: frozenset[str] = ALL_DATABASES
    by_text: bool = False

    @property
    def firsts(self) -> frozenset[str]:
        """What of denied commands may be run: `get|this`."""
        return frozenset[str]().union(*self.apart.values())

    def may(self, command: str, commands: Commands) -> bool:
        """True where `command` (`config|get`) may be run: by itself since 7.0, before as a part of `config`."""
        first = command.partition("|")[0]
        known = command if command in commands.every else first
        return known in self.allowed or command in self.apart.get(first, ())

    def meaning(self, containers: Iterable[str]) -> object:
        """What it allows: equal for two that allow the same."""
        patterns = [self.patterns(letter) for letter in "RW"]
        keys = patterns if self.by_text else map(without_parts, patterns)
        channels = {"*"} if "*" in self.channels else self.channels
        firsts = frozenset(first for first in self.firsts if first.partition("|")[0] not in self.allowed)
        commands = self.effective(containers)
        return tuple(keys), frozenset(channels), self.databases, self.future, commands, firsts

    def patterns(self, letter: str) -> frozenset[str]:
        """The patterns of keys that may be read (R) or written (W)."""
        return frozenset(pattern for pattern, access in self.keys.items() if letter in access)

    def effective(self, containers: Iterable[str]) -> frozenset[str]:
        """The commands that may be run."""
        return frozenset(self.allowed).difference(containers)


@dataclass
class Rights:
    """All that rules decide of a user but its passwords."""

    on: bool = False
    nopass: bool = False
    unsanitized: bool = False
    root: Selector = field(default_factory=Selector)
    selectors: list[Selector] = field(default_factory=list)

    def may(self, command: str, commands: Commands) -> bool:
        """True where any of its permissions let it run `command`."""
        return any(each.may(command, commands) for each in self.permissions)

    def denied(self, category: str, commands: Commands) -> frozenset[str]:
        """The commands of `category` that none of its permissions let it run."""
        names = commands.categories[category] - commands.containers
        return frozenset(name for name in names if not self.may(name, commands))

    def meaning(self, commands: Commands) -> object:
        """What they allow: equal for two that allow the same. Without `nopass`, which is a matter of logging in."""
        containers = commands.containers
        further = frozenset(selector.meaning(containers) for selector in self.selectors)
        return self.on, self.unsanitized, self.root.meaning(containers), further

    @property
    def permissions(self) -> tuple[Selector, ...]:
        """Its own, and those of its selectors: what any of them allows it may."""
        return (self.root, *self.selectors)

    def effective(self, containers: Iterable[str]) -> frozenset[str]:
        """The commands that any of its permissions let it run."""
        return frozenset[str]().union(*(each.effective(containers) for each in self.permissions))

    def uses_database(self, number: int) -> bool:
        """Whether any of its permissions are for that database."""
        return any(each.databases & {*ALL_DATABASES, str(number)} for each in self.permissions)


def split(text: str) -> list[str]:
    """The rules in `text`, one a word; a selector in parentheses is one. Raises RuleProblem."""
    return [_own_channels(rule) for rule in _with_own_channels(joined(text.split()))]


def joined(words: Iterable[str]) -> list[str]:
    """The same words, those of a selector as one. Raises RuleProblem."""
    rules: list[str] = []
    opened: list[str] = []
    for word in words:
        if opened or word.startswith("("):
            opened.append(word)
            if word.endswith(")"):
                rules.append(" ".join(opened))
                opened = []
        else:
            rules.append(word)
    if opened:
        raise RuleProblem(f"{' '.join(opened)}: the parenthesis is never closed")
    return rules


def _own_channels(rule: str) -> str:
    return f"({' '.join(_with_own_channels(rule[1:-1].split()))})" if rule.startswith("(") else rule


def _with_own_channels(rules: Sequence[str]) -> list[str]:
    """With `resetchannels` before the first channel: where new users have them all, naming one is an error."""
    first = next((n for n, rule in enumerate(rules) if _is_about_channels(rule)), None)
    if first is None or not rules[first].startswith("&") or rules[first] == "&*":
        return list(rules)
    return [*rules[:first], "resetchannels", *rules[first:]]


def _is_about_channels(rule: str) -> bool:
    return rule.startswith("&") or rule.lower() in ("allchannels", "resetchannels")


def check(rules: Sequence[str]) -> None:
    """Refuses what no server would take, or what may not stand in YAML. Raises RuleProblem."""
    _check_narrowing(rules, "~*", "allkeys", "resetkeys", _PATTERN)
    _check_narrowing(rules, "&*", "allchannels", "resetchannels", _CHANNEL)
    for rule in rules:
        if PASSWORDS.fullmatch(rule):
            shown = rule if rule == "resetpass" else f"{rule[0]}…"
            raise RuleProblem(f"{shown} is about passwords: declare password: {{env: NAME}}")
        if rule.lower() == "reset":
            raise RuleProblem("reset is not needed: rules say all that the user may")
        if rule.startswith("("):
            check(rule[1:-1].split())
        elif not (
            rule.lower() in FLAGS
            or rule.startswith("&")
            or _PATTERN.fullmatch(rule)
            or _COMMAND.fullmatch(rule)
            or _DATABASES.fullmatch(rule)
        ):
            raise RuleProblem(f"{rule} is no rule: a rule is like on, ~app:*, &news:*, +@read, -@dangerous or +get")


def _check_narrowing(rules: Sequence[str], every: str, word: str, reset: str, pattern: re.Pattern[str]) -> None:
    """After all keys or channels, no server takes a pattern of some: it would seem to narrow, and did not."""
    open_ = False
    for rule in rules:
        if rule == every or rule.lower() == word:
            open_ = True
        elif rule.lower() == reset:
            open_ = False
        elif open_ and pattern.fullmatch(rule):
            raise RuleProblem(f"{rule} after {every} says nothing: put {reset} before it, or leave it out")


def categories_in(rules: Iterable[str]) -> set[str]:
    """The categories that `rules` name, but for `all`."""
    return {name.lower() for rule in rules for name in re.findall(r"[+-]@([\w-]+)", rule)} - {"all"}


def evaluate(rules: Iterable[str], commands: Commands, *, fresh: bool) -> Rights:
    """What `rules` allow, in their order: of a new user (`fresh`), or as a server printed them, from nothing.

    Raises RuleProblem for what this server would refuse.
    """
    rights = Rights(root=_new_selector(commands, fresh))
    for rule in rules:
        word = rule.lower()
        if word.startswith("("):
            _need(commands, rule, APART)
            selector = _new_selector(commands, fresh)
            for inner in rule[1:-1].split():
                _apply(selector, inner, commands)
            rights.selectors.append(selector)
        elif word in ("on", "off"):
            rights.on = word == "on"
        elif word == "nopass":
            rights.nopass = True
        elif word in ("sanitize-payload", "skip-sanitize-payload"):
            rights.unsanitized = word.startswith("skip")
        elif word == "clearselectors":
            _need(commands, rule, APART)
            rights.selectors.clear()
        else:
            _apply(rights.root, rule, commands)
    if not are_few([pattern for each in rights.permissions for pattern in each.keys]):
        for each in rights.permissions:
            each.by_text = True
    return rights


def _new_selector(commands: Commands, fresh: bool) -> Selector:
    return Selector(channels={"*"} if fresh and commands.all_channels else set())


def _apply(selector: Selector, rule: str, commands: Commands) -> None:
    word = rule.lower()
    key, command = _PATTERN.fullmatch(rule), _COMMAND.fullmatch(rule)
    if word in ("allkeys", "~*"):
        selector.keys = {"*": frozenset("RW")}
    elif word == "resetkeys":
        selector.keys = {}
    elif word in ("allchannels", "&*"):
        selector.channels = {"*"}
    elif word == "resetchannels":
        selector.channels = set()
    elif rule.startswith("&"):
        if "*" in selector.channels:
            raise RuleProblem(f"{rule}: all channels are allowed already; put resetchannels before it")
        selector.channels.add(rule[1:])
    elif key:
        access = frozenset((key["access"] or "RW").upper())
        if key["access"]:
            _need(commands, rule, APART)
        selector.keys[key["pattern"]] = selector.keys.get(key["pattern"], frozenset()) | access
    elif word in ("alldbs", "resetdbs") or _DATABASES.fullmatch(rule):
        _need(commands, rule, DATABASES)
        selector.databases = _databases(rule, word)
    elif command or word in ("allcommands", "nocommands"):
        _apply_command(selector, {"allcommands": "+@all", "nocommands": "-@all"}.get(word, word), commands)
    else:
        raise RuleProblem(f"{rule} is no rule for this server")


def _databases(rule: str, word: str) -> frozenset[str]:
    """Each `db=` takes the place of the one before (seen on Valkey 9.1)."""
    if not word.startswith("db="):
        return ALL_DATABASES if word == "alldbs" else frozenset()
    numbers = list(map(int, word[3:].split(",")))
    if max(numbers) > LAST_DATABASE:
        raise RuleProblem(f"{rule}: there is no database of that number")
    return frozenset(map(str, numbers))


def _apply_command(selector: Selector, word: str, commands: Commands) -> None:
    add, (name, bar, sub) = word[0] == "+", word[1:].partition("|")
    if name == "@all":
        selector.allowed = set(commands.every) if add else set()
        selector.apart, selector.future = {}, add
        return
    if name.startswith("@"):
        if name[1:] not in commands.categories:
            raise RuleProblem(f"{word}: this server has no category {name}{why_not(name)}")
        subject = set(commands.categories[name[1:]])
    elif name not in commands.every:
        raise RuleProblem(f"{word}: this server has no command {name}{why_not(name)}")
    elif not bar:
        subject = {known for known in commands.every if known.partition("|")[0] == name}
    elif f"{name}|{sub}" in commands.every:
        subject = {f"{name}|{sub}"}
    elif not add and lacks(APART, commands.product, commands.version):
        _need(commands, f"{word}: to deny a subcommand", APART)
    elif not add or name in commands.containers:
        act = "allow" if add else "deny"
        raise RuleProblem(f"{word}: this server has no such subcommand to {act}{why_not(f'{name}|{sub}')}")
    else:
        selector.apart.setdefault(name, set()).add(f"{name}|{sub}")
        return
    selector.allowed = selector.allowed | subject if add else selector.allowed - subject
    for command in subject & selector.apart.keys():
        del selector.apart[command]


def _need(commands: Commands, rule: str, needed: Versions) -> None:
    missing = lacks(needed, commands.product, commands.version)
    if missing:
        raise RuleProblem(f"{rule} needs {missing}")
