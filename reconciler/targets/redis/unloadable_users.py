"""What a server writes of its users into a file, and could not read again: then it does not start any more.

CONFIG REWRITE quotes the values of all parameters, and nothing in the lines of users; they are read by a parser that
knows quotes. In an ACL file there is no quoting. In both, what stands between parentheses is put together from words,
up to the first that ends with a parenthesis. `tests/attacks/test_redis_rereading.py` has Redis 6.2, 7.0 and Valkey 9.1
write and read what these rules are about.

Decided: docs/decisions.md#files-that-could-not-be-read-again
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.targets.redis.redis_conf import Unreadable, words_of

_SOME_KEYS = re.compile(r"(?:~|%(?P<access>[RrWw]{1,2})~)(?P<pattern>.*)", re.DOTALL)

DENIED = "whether all users can be read again from the file is not to be seen: the tool's user needs +acl|list"

BEHIND_ALL_KEYS = "a pattern of keys stands behind ~*, as which %RW~* is written, and no server reads one there"


def misread(line: str, *, acl_file: bool) -> str:
    """Why a server would not have the same user again from `line`, as ACL LIST prints it; empty where it would.

    `acl_file`: the line stands in an ACL file, else in the configuration.
    """
    words = line.split(" ")
    if not acl_file:
        try:
            read = words_of(line)
        except Unreadable:
            return "a quote in a user's name or rules is written without quoting, and opens one that nothing closes"
        if read != words:
            return "quotes in a user's name or rules are written without quoting, and vanish when the file is read"
    if _goes_on_behind_all_keys(words[2:]):
        return BEHIND_ALL_KEYS
    if _closed_early(words[2:]):
        return "a pattern in a selector ends with a parenthesis, which closes the selector when the file is read"
    return ""


def unsettable(rules: Sequence[str]) -> str:
    """Why ACL SETUSER would make other rules than these, a selector being one of them; empty where it would not."""
    if any(rule.startswith("(") and set(rule) & set("\"'") for rule in rules):
        return "a server takes quotes in a selector for its own, and leaves them out"
    return ""


def unwritable(user: str, rules: Sequence[str], *, acl_file: bool) -> str:
    """The same as of `misread` of a user who is to be: `rules` are those of ACL SETUSER."""
    for rule in rules:
        if rule.startswith("(") and any(word.endswith(")") for word in rule[1:-1].split(" ")):
            return "a pattern in a selector ends with a parenthesis, which closes the selector when a file is read"
    for rule in rules:
        if rule.startswith("(") and _goes_on_behind_all_keys(rule.split(" ")):
            return BEHIND_ALL_KEYS
    of_root = [rule for rule in rules if not rule.startswith("(")]  # they may be declared behind a selector
    return misread(" ".join(["user", user, *of_root]), acl_file=acl_file)


def breaks(users: Sequence[str], *, acl_file: bool, but: str | None = None) -> str:
    """Why no file may be written with these lines of ACL LIST, and whose it is; empty where it may be.

    `but`: a user who is about to be replaced, or to go.
    """
    for line in users:
        name = line.split(" ")[1]
        why = misread(line, acl_file=acl_file) if name != but else ""
        if why:
            command = "ACL SAVE" if acl_file else "CONFIG REWRITE"
            return (
                f"{command} would write the user {name!r} so that the server does not start any more, or has another "
                f"one: {why}. Take that out of the user before{'' if acl_file else ', or keep users in an ACL file'}"
            )
    return ""


def _goes_on_behind_all_keys(words: Sequence[str]) -> bool:
    """Whether the user, or one of its selectors, has a further pattern behind `~*`. ACL SETUSER takes one behind %RW~*,
    which is written as ~* (seen on 7.0 and Valkey 9.1)."""
    access: set[str] = set()
    behind = False
    for word in words:
        rule = word.removeprefix("(").removesuffix(")")
        if word.startswith("(") or rule.lower() in ("resetkeys", "allkeys"):
            access, behind = set(), False
        if rule == "~*":
            access, behind = {"r", "w"}, False
        elif found := _SOME_KEYS.fullmatch(rule):
            behind = behind or (bool(access) and found["pattern"] != "*")
            access |= set((found["access"] or "rw").lower()) if found["pattern"] == "*" else set()
        if behind and access == {"r", "w"}:
            return True
    return False


def _closed_early(words: Sequence[str]) -> bool:
    """Whether a word stands outside of the selectors, as the server puts them together, and behind the first: they come
    last, so that it was meant to be in one."""
    first = next((at for at, word in enumerate(words) if word.startswith("(")), len(words))
    inside = False
    for word in words[first:]:
        if not inside and not word.startswith("("):
            return True
        inside = not word.endswith(")")
    return False
