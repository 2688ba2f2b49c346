"""What values mean: two texts are compared by their meaning, never letter by letter.

Every rule was seen on Redis 6.2.14, Redis 7.0.15 and Valkey 9.1.2.

Decided: docs/decisions.md#amounts-without-a-number
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping

from reconciler.formulas.memory_amounts import MOST_BYTES, format_bytes
from reconciler.formulas.units import REDIS_MEMORY
from reconciler.kinds.redis_setting.values.parameters import BOOLEANS, ENUMS, FIXED_WORDS, INTEGERS, MEMORY, SPECIAL

ALL_EVENTS = frozenset("g$lshzxetd")
"""What `A` stands for in notify-keyspace-events."""

_MEMORY = re.compile(r"(\d{1,20})([kmg]?b?)", re.IGNORECASE)
_INTEGER = re.compile(r"0|-?[1-9]\d*")
_DECIMAL = re.compile(r"[+-]?\d{1,9}")
_PERCENTILE = re.compile(r"\+?\d{1,3}(\.\d*)?(e[+-]?\d{1,2})?", re.IGNORECASE | re.ASCII)
_CLASSES = {"normal": "normal", "slave": "replica", "replica": "replica", "pubsub": "pubsub"}

Limits = Mapping[str, tuple[int, int, int]]


def tidied(name: str, text: str) -> str:
    """`text` as it is sent: CONFIG SET refuses blanks at the ends, and two in a row, wherever they mean nothing."""
    if name in BOOLEANS | INTEGERS | MEMORY | ENUMS | SPECIAL:
        text = " ".join(text.split())
    return "" if name == "save" and text in ('""', "''") else text


def meaning(name: str, text: str) -> Hashable:
    """What `text` means as the value of `name`: equal for two texts that mean the same.

    Raises ValueError, whose text says what is expected, for what no server accepts.
    """
    if name in BOOLEANS:
        if text.lower() not in ("yes", "no"):
            raise ValueError(f"{name} is yes or no, and Redis takes no other word for it")
        return text.lower()
    if name in INTEGERS:
        if not _INTEGER.fullmatch(text):
            raise ValueError(f"{name} is a whole number without a unit, like 100")
        if not -MOST_BYTES - 1 <= int(text) <= MOST_BYTES:
            raise ValueError(f"{text} is more than a server can count: at most {MOST_BYTES}")
        return int(text)
    if name in MEMORY:
        return _memory(name, text)
    if name in ENUMS | FIXED_WORDS:
        word = text.lower()
        return "yes" if (name, word) == ("oom-score-adj", "relative") else word
    match name:
        case "save":
            return _save(text)
        case "client-output-buffer-limit":
            return tuple(sorted(buffer_limits(text).items()))
        case "notify-keyspace-events":
            return events(text)
        case "latency-tracking-info-percentiles":
            return _percentiles(text)
        case "shutdown-on-sigint" | "shutdown-on-sigterm":
            if not text:
                raise ValueError(f"{name} is a word or more, like default")
            return frozenset(text.lower().split()) - {"default"}
        case "tls-protocols":
            return frozenset(text.lower().split())
        case "bind":
            return tuple(text.lower().split())
        case "oom-score-adj-values":
            return _scores(text)
        case "unixsocketperm":
            return _mode(text)
        case "replicaof" | "slaveof":
            words = text.lower().split()
            return () if words == ["no", "one"] else tuple(word.lstrip("0") or "0" for word in words)
        case "dir" if text.startswith("/"):
            return text.rstrip("/") or "/"
    return int(text) if _INTEGER.fullmatch(text) else text


def agree(name: str, wanted: str, running: str) -> bool:
    """True where the running value is what is wanted, as far as the server shows it."""
    try:
        wanted_meaning, running_meaning = meaning(name, wanted), meaning(name, running)
    except ValueError:
        return wanted == running
    if name == "client-output-buffer-limit":  # what is not declared of it stays as it is
        now = buffer_limits(running)
        return all(now.get(limited) == limits for limited, limits in buffer_limits(wanted).items())
    return wanted_meaning == running_meaning


def shown(name: str, text: str, beside: str = "") -> str:
    """`text` for a person, in one spelling. Of buffer limits only the classes that `beside` has, where it is given."""
    try:
        means = meaning(name, text)
    except ValueError:
        return text
    if name in MEMORY:
        return format_bytes(means) if isinstance(means, int) and means > 0 else str(means)
    if name == "client-output-buffer-limit":
        limits = buffer_limits(text)
        classes = buffer_limits(beside) if beside else limits
        return " ".join(
            f"{limited} {_bytes(limits[limited][0])} {_bytes(limits[limited][1])} {limits[limited][2]}"
            for limited in sorted(classes)
            if limited in limits
        )
    return means if isinstance(means, str) else text


def events(text: str) -> frozenset[str]:
    """The flags of notify-keyspace-events, `A` taken apart. Raises ValueError.

    Beside all that `A` stands for, the server does not show whether `n` (new keys) is on (seen on 7.0 and Valkey 9):
    whether such a declaration has come true could never be told, so it is refused.
    """
    flags = frozenset(text)
    flags = flags - {"A"} | ALL_EVENTS if "A" in flags else flags
    if flags >= ALL_EVENTS | {"n"}:
        raise ValueError("n cannot be read back beside A: leave out n, or list the classes and leave out one of them")
    return flags


def buffer_limits(text: str) -> Limits:
    """Of each class of clients its hard limit and soft limit, in bytes, and the seconds of the soft one.

    The last one counts where a class is there twice, as on the server. Raises ValueError.
    """
    words = text.lower().split()
    expected = "client-output-buffer-limit is a class (normal, replica, pubsub), two amounts and seconds, repeated"
    if not words or len(words) % 4:
        raise ValueError(expected)
    limits: dict[str, tuple[int, int, int]] = {}
    for limited, hard, soft, seconds in zip(*[iter(words)] * 4, strict=True):
        if limited not in _CLASSES or not re.fullmatch(r"\+?[0-9]{1,9}", seconds):
            raise ValueError(expected)
        limits[_CLASSES[limited]] = (_amount(hard, expected), _amount(soft, expected), int(seconds))
    return limits


def _memory(name: str, text: str) -> int | str:
    if name == "maxmemory-clients" and re.fullmatch(r"(?:0|[1-9]\d?|100)%", text):
        return 0 if text == "0%" else text
    if (name, text) == ("slot-migration-max-failover-repl-bytes", "-1"):
        return -1  # no limit
    return _amount(text, f"{name} is an amount of memory: a whole number, and b, kb, mb or gb (1gb, 1536mb)")


def _amount(text: str, expected: str) -> int:
    found = _MEMORY.fullmatch(text)
    if not found or not text.isascii():
        raise ValueError(expected)
    amount = int(found[1]) * REDIS_MEMORY[found[2].lower() or "b"]
    if amount > MOST_BYTES:
        raise ValueError(f"{text} is more than the {MOST_BYTES} bytes that a server can count")
    return amount


def _bytes(amount: int) -> str:
    return format_bytes(amount) if amount else "0"


def _save(text: str) -> frozenset[tuple[int, int]]:
    words = text.split()
    if len(words) % 2 or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError('save is pairs of seconds and changes, like 3600 1 300 100; "" saves never')
    numbers = [int(word) for word in words]
    return frozenset(zip(numbers[::2], numbers[1::2], strict=True))


def _percentiles(text: str) -> frozenset[float]:
    words = text.split()
    if not all(_PERCENTILE.fullmatch(word) and float(word) <= 100 for word in words):
        raise ValueError("latency-tracking-info-percentiles is numbers from 0 to 100, like 50 99 99.9")
    return frozenset(round(float(word), 6) for word in words)


def _scores(text: str) -> tuple[int, ...]:
    words = text.split()
    if len(words) != 3 or not all(_DECIMAL.fullmatch(word) and abs(int(word)) <= 2000 for word in words):
        raise ValueError("oom-score-adj-values is three numbers from -2000 to 2000, like 0 200 800")
    return tuple(map(int, words))


def _mode(text: str) -> int:
    if not re.fullmatch("[0-7]{1,6}", text):
        raise ValueError("unixsocketperm is an octal number, like 700")
    return int(text, 8)
