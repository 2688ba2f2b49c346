"""What a user may: its commands, keys, channels and databases, and when two of them may the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.kinds.redis_user.rules.patterns import without_parts

ALL_DATABASES = frozenset({"alldbs"})


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
