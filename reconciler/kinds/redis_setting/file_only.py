"""What only the file and a restart can change: the lines to write, and what would be lost."""

from __future__ import annotations

from reconciler.kinds.redis_setting.values import meaning

WORD_BY_WORD = frozenset(
    {"bind", "latency-tracking-info-percentiles", "oom-score-adj-values", "replicaof", "slaveof"}
    | {"shutdown-on-sigint", "shutdown-on-sigterm"}
)
"""Directives of several words; any other takes one, so that blanks in it are quoted."""

NEEDS_QUOTES = frozenset(" \t\"'\\#")


def lines(name: str, value: str) -> tuple[str, ...]:
    """The lines that bring `value` about: one, but for what 6.2 takes only one by one."""
    words = value.split()
    if name == "save" and words:
        return tuple(f"save {' '.join(words[at : at + 2])}" for at in range(0, len(words), 2))
    if name == "client-output-buffer-limit":
        return tuple(f"{name} {' '.join(words[at : at + 4])}" for at in range(0, len(words), 4))
    if name in WORD_BY_WORD and words:
        return (f"{name} {' '.join(words)}",)
    return (f"{name} {_quoted(value)}",)


def _quoted(value: str) -> str:
    if value and not NEEDS_QUOTES & set(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def lost(name: str, running: str, wanted: str) -> str:
    """What a restart with `wanted` would cost, where that is more than the restart; empty where it is not."""
    match name:
        case "databases":
            now, then = meaning(name, running), meaning(name, wanted)
            if isinstance(now, int) and isinstance(then, int) and then < now:
                return f"with keys in databases {then} to {now - 1} it does not start: move or delete them before"
        case "dir" | "dbfilename" | "appendfilename" | "appenddirname":
            return "it starts without the keys that it has, unless its data files are moved along while it is stopped"
        case "replicaof" | "slaveof" if wanted.lower() not in ("", "no one"):
            return "all keys that it has are replaced by those of its primary"
        case "aclfile" if wanted:
            return "it takes its users from there alone, and does not start while its own file has lines for users"
    return ""
