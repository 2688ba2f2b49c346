"""Redis' answers, in the shapes that items need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.kinds.check.verdict import Unavailable
from reconciler.model import CheckStatus

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession, Refusal


class Command(NamedTuple):
    """A command of the server's own table. `arity` counts the name; negative: at least so many."""

    name: str
    arity: int
    categories: frozenset[str]
    subcommands: tuple[Command, ...] = ()


def ask(session: RedisSession, commands: Sequence[Sequence[str]]) -> list[Any]:
    """The answers to several commands, in one round trip; an Unavailable where the server refuses one. Raises
    ConnectionFailed."""
    from reconciler.targets.redis.session import Refusal

    answers = session.read_all(commands) if commands else []
    return [_unavailable(answer) if isinstance(answer, Refusal) else answer for answer in answers]


def _unavailable(refusal: Refusal) -> Unavailable:
    hidden = refusal.denied or refusal.unknown
    return Unavailable(status=CheckStatus.NOT_VISIBLE if hidden else CheckStatus.ERROR, message=refusal.message)


def as_commands(entries: Iterable[Sequence[Any] | None]) -> dict[str, Command]:
    """COMMAND INFO: those that the server has, by lower-case name; it answers None for those that it has not."""
    known = [_command(entry) for entry in entries if entry is not None]
    return {command.name: command for command in known}


def _command(entry: Sequence[Any]) -> Command:
    # name, arity, flags, first key, last key, step, categories; since 7.0 also tips, key specifications, subcommands
    subcommands = entry[9] if len(entry) > 9 else ()
    return Command(
        name=str(entry[0]).lower(),
        arity=int(entry[1]),
        categories=frozenset(str(category).lower() for category in entry[6]),
        subcommands=tuple(_command(sub) for sub in subcommands),
    )
