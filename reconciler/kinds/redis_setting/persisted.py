"""What a start would bring: the value of a parameter in the server's files, by the server's own reading of them.

Decided: docs/decisions.md#killed-between-config-set-and-config-rewrite, docs/decisions.md#lines-that-are-missing
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from reconciler.kinds.redis_setting.values.defaults import default
from reconciler.kinds.redis_setting.values.parameters import ALIASES, PROTECTED, SECRETS, is_immutable
from reconciler.targets.redis.redis_conf import Line

ARGUMENTS_ALONE = frozenset({"port", "tls-port"})
"""Often given on the command line, which a server overwrites: without a line, nothing is known."""


@dataclass(frozen=True, slots=True)
class Persisted:
    """A value, and the line that it is from (`at`; empty: none, it is the default).

    `rewritable`: CONFIG REWRITE would change that line, which it does in the main file alone. `argument`: that line is
    the server's command line.
    """

    text: str = field(repr=False)
    at: str = ""
    rewritable: bool = True
    argument: bool = False


def persisted(name: str, lines: Sequence[Line], product: str, version: tuple[int, ...]) -> Persisted | None:
    """What a start of this server would make of `name`; None where that is not known."""
    own = [line for line in lines if _canonical(line.words[0]) == _canonical(name)]
    last = own[-1] if own else None
    if name == "save":
        text = _points(own, version) if own else default(name, product, version)
    elif name == "client-output-buffer-limit":
        given = [word for line in own for word in line.words[1:]]
        usual = default(name, product, version)
        text = None if usual is None else " ".join([usual, *given])
    elif last is not None:
        text = " ".join(last.words[1:])
    elif is_immutable(name, product, version) or name in PROTECTED | ARGUMENTS_ALONE:
        text = None
    else:
        text = "" if name in SECRETS else default(name, product, version)
    if text is None or (name == "dir" and not text.startswith("/")):
        return None
    if last is None:
        return Persisted(text)
    return Persisted(text, last.at, not any(line.included for line in own), last.argument)


def _canonical(name: str) -> str:
    return ALIASES.get(name, name)


def _points(lines: Iterable[Line], version: tuple[int, ...]) -> str:
    """Each line adds to those before it, and an empty one takes them all away. Before 7.0, a line is one pair."""
    points: list[str] = []
    for line in lines:
        words = " ".join(line.words[1:]).split()
        if not words:
            points = []
        elif version >= (7,) or len(line.words) == 3:
            points += words
    return " ".join(points)


def password_after_a_start(
    password: str, lines: Sequence[Line] | None, users: Sequence[Line] | None, acl_file: bool
) -> tuple[bool, str] | None:
    """Whether the default user would log in with `password` (empty: without any), and the line that decides it.

    With an ACL file that file decides, else a line `user default` of the configuration, else `requirepass`. None where
    it is not to be seen.
    """
    kept = users if acl_file else lines
    if kept is None:
        return None
    own = [line for line in kept if line.words[:2] == ("user", "default")]
    if own:
        rules = own[-1].words[2:]
        hashed = sha256(password.encode()).hexdigest()
        known = {f"#{hashed}", f">{password}"}.intersection(rules)
        return (bool(known) and "nopass" not in rules if password else "nopass" in rules), own[-1].at
    said = [] if acl_file else [line for line in kept if line.words[0] == "requirepass"]
    return (said[-1].words[1:] == (password,), said[-1].at) if said else (not password, "")
