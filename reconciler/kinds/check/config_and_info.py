"""What CONFIG GET and INFO answer: for all checks of a target, whatever their types, in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.kinds.check.check_type import Circumstances
from reconciler.kinds.check.expectations import MemoryUnknown, NotComparable
from reconciler.kinds.check.redis_answers import ask
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession


class OfValues(Frozen):
    """Base of the checks that are decided by such values."""

    def settings(self) -> tuple[str, ...]:
        """The settings that it wants to know."""
        return ()

    def sections(self) -> tuple[str, ...]:
        """The sections of INFO that it wants to know."""
        return ()


class FoundValues(Frozen):
    """What the server answered for one item. Each part is None where it was not asked for; `hidden` says why CONFIG
    could not be asked, where it could not."""

    config: Mapping[str, str] | None = None
    info: Mapping[str, str] | None = None
    hidden: str = ""


def read(session: RedisSession, checks: Mapping[Part, OfValues]) -> dict[Part, FoundValues | Unavailable]:
    """All settings and INFO sections in one round trip. Raises ConnectionFailed."""
    names = sorted({name for check in checks.values() for name in check.settings()})
    sections = sorted({section for check in checks.values() for section in check.sections()})
    commands: list[tuple[str, ...]] = [("CONFIG", "GET", name) for name in names]
    commands += [("INFO", section) for section in sections]
    answers = dict(zip(commands, ask(session, commands), strict=True))
    return {part: _found(check, answers) for part, check in checks.items()}


def _found(check: OfValues, answers: Mapping[tuple[str, ...], Any]) -> FoundValues | Unavailable:
    config: dict[str, str] = {}
    info: dict[str, str] = {}
    hidden = ""
    for name in check.settings():
        answer = answers["CONFIG", "GET", name]
        if isinstance(answer, Unavailable):
            hidden = answer.message
        else:
            config |= {key.lower(): value for key, value in answer.items()}
    for section in check.sections():
        answer = answers["INFO", section]
        if isinstance(answer, Unavailable):
            return answer
        info |= {field: str(value) for field, value in answer.items()}
    return FoundValues(config=config, info=info, hidden=hidden)


C = TypeVar("C", bound=OfValues)
Decide = Callable[[C, FoundValues, Circumstances], Verdict]


def compared(decide: Decide[C]) -> Decide[C]:
    """`decide`, with a verdict of its own where what was found cannot be compared with what is wanted."""

    @wraps(decide)
    def decided(check: C, found: FoundValues, known: Circumstances) -> Verdict:
        try:
            return decide(check, found, known)
        except MemoryUnknown as error:
            return Verdict(CheckStatus.NOT_VISIBLE, str(error), "live")
        except NotComparable as error:
            return Verdict(CheckStatus.ERROR, f"cannot be compared: {error}", "live")

    return decided
