"""How rules are spelled: the language of ACL SETUSER, taken apart into rules, and what of it no server takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

PATTERN = re.compile(r"(?:~|%(?P<access>[Rr][Ww]?|[Ww][Rr]?)~)(?P<pattern>\S*)")
OF_DATABASES = re.compile(r"db=\d{1,20}(,\d{1,20})*", re.IGNORECASE)
COMMAND = re.compile(r"(?P<sign>[+-])(?P<name>@?[A-Za-z0-9_.:-]+)(?:\|(?P<sub>[^\s'\"]+))?")
"""6.2 has a command `host:`, which it prints in rules. No quote: ACL SETUSER with one there ends Valkey 9.1.2."""
_CHANNEL = re.compile(r"&\S*")
FLAGS = frozenset(
    {"on", "off", "nopass", "sanitize-payload", "skip-sanitize-payload", "allkeys", "resetkeys", "allchannels"}
    | {"resetchannels", "allcommands", "nocommands", "clearselectors", "alldbs", "resetdbs"}
)

PASSWORDS = re.compile(r"[<>#!].*|resetpass")


class RuleProblem(ValueError):
    """Rules that cannot be, or that this server would refuse. The text says which and why."""


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
    _check_narrowing(rules, "~*", "allkeys", "resetkeys", PATTERN)
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
            or PATTERN.fullmatch(rule)
            or COMMAND.fullmatch(rule)
            or OF_DATABASES.fullmatch(rule)
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
