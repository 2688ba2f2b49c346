"""Redis commands as a person would type them at the prompt of redis-cli."""

from __future__ import annotations

from reconciler.model import SENSITIVE, RedisStep

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b"}


def redis_cli(step: RedisStep) -> str:
    """The command with redis-cli's quoting; a secret is (sensitive)."""
    return " ".join(_quoted(argument) if isinstance(argument, str) else SENSITIVE for argument in step.command)


WAITS_FOR = {"append-only-file": "once the append-only file is whole"}


def redis_step(step: RedisStep) -> str:
    """The command, and what apply waits for before it."""
    waits = f"{WAITS_FOR[step.waits_for]}: " if step.waits_for else ""
    return f"{waits}{redis_cli(step)}"


def _quoted(argument: str) -> str:
    r"""`argument` bare where it can stand so, else in double quotes, in which redis-cli reads \n, \" and \xHH."""
    if argument and argument.isprintable() and not set(argument) & set(" \"'\\"):
        return argument
    return '"' + "".join(_escaped(char) for char in argument) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
