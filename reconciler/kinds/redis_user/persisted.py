"""What a start would bring: a user as the server's files define it.

Decided: docs/decisions.md#lines-that-wait-for-acl-load
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from reconciler.kinds.redis_user.rules.acl_syntax import PASSWORDS, RuleProblem, joined
from reconciler.kinds.redis_user.rules.evaluation import evaluate
from reconciler.kinds.redis_user.rules.rights import Commands, Rights
from reconciler.targets.redis.redis_conf import Line

FROM_THE_BEGINNING = ("on", "~*", "&*", "+@all")
"""What the user `default` may where no file defines it."""


@dataclass(frozen=True, slots=True)
class InFile:
    """How the files have a user, and the line that says so (empty: none does).

    "not-visible": not to be seen from here; "missing": a start would bring no such user.
    """

    state: Literal["not-visible", "as-running", "other", "missing"] = "not-visible"
    line: str = ""


def in_file(
    user: str, lines: Sequence[Line] | None, now: Rights | None, hashes: Collection[str], commands: Commands
) -> InFile:
    """Compares what runs (`now`: None for no such user) with the lines of the file that users are kept in."""
    if lines is None:
        return InFile()
    own = [line for line in lines if line.words[:2] == ("user", user)]
    words = own[-1].words[2:] if own else _undefined(user, lines)
    at = own[-1].at if own else ""
    if words is None:
        return InFile("missing")
    if now is None:
        return InFile("other", at)
    try:
        then = evaluate([word for word in joined(words) if not PASSWORDS.fullmatch(word)], commands, fresh=True)
    except RuleProblem:
        return InFile()
    if not {"sanitize-payload", "skip-sanitize-payload"} & set(words):
        then.unsanitized = now.unsanitized  # Valkey takes either rule and writes neither
    same = now.meaning(commands) == then.meaning(commands) and now.nopass == then.nopass
    return InFile("as-running" if same and set(hashes) == _hashes(words) else "other", at)


def waiting(
    lines: Sequence[Line], running: Sequence[str], declared: Collection[str], commands: Commands
) -> tuple[str, ...]:
    """The lines that say otherwise than `running` (ACL LIST) of users who are not `declared`: edited by hand, and not
    loaded since. Nobody is told apart from them who was changed by hand, and not saved."""
    now = {words[1]: words[2:] for words in (line.split(" ") for line in running)}
    found = {line.words[1]: line.at for line in lines if line.words[0] == "user" and len(line.words) > 1}
    return tuple(
        f"{at} ({name})"
        for name, at in found.items()
        if name not in declared and _as_file(name, lines, now.get(name), commands) == "other"
    )


def _as_file(name: str, lines: Sequence[Line], words: Sequence[str] | None, commands: Commands) -> str:
    """How the file has a user who runs with `words` of ACL LIST; None for nobody."""
    try:
        rules = None if words is None else [each for each in joined(words) if not PASSWORDS.fullmatch(each)]
        now = None if rules is None else evaluate(rules, commands, fresh=False)
    except RuleProblem:
        return ""
    hashes = [word[1:] for word in words or () if word.startswith("#")]
    return in_file(name, lines, now, hashes, commands).state


def _undefined(user: str, lines: Sequence[Line]) -> tuple[str, ...] | None:
    """The rules of a user that no line defines: `default` is always there, with what requirepass says."""
    if user != "default":
        return None
    said = [line.words[1:] for line in lines if line.words[0] == "requirepass"]
    password = said[-1][0] if said and said[-1] else ""
    return (*FROM_THE_BEGINNING, f">{password}" if password else "nopass")


def _hashes(words: Sequence[str]) -> set[str]:
    hashed = {word[1:] for word in words if word.startswith("#")}
    return hashed | {sha256(word[1:].encode()).hexdigest() for word in words if word.startswith(">")}
