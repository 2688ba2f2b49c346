"""The commands that only read, and their answers in one shape.

Decided: docs/decisions.md#read-only-sessions-on-redis
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

READING: Mapping[str, frozenset[str] | None] = {
    "acl": frozenset({"cat", "dryrun", "getuser", "list", "users", "whoami"}),
    "client": frozenset({"getname", "id", "info", "list"}),
    "cluster": frozenset({"myid", "nodes"}),
    "command": frozenset({"count", "docs", "info", "list"}),
    "config": frozenset({"get"}),
    "dbsize": None,
    "hello": frozenset(),
    "info": None,
    "latency": frozenset({"doctor", "histogram", "history", "latest"}),
    "memory": frozenset({"doctor", "stats"}),
    "module": frozenset({"list"}),
    "ping": None,
    "role": None,
    "sentinel": frozenset({"get-master-addr-by-name", "replicas"}),
    "slowlog": frozenset({"len"}),
    "time": None,
}
"""All that a session lets through: commands with their subcommands. None: it has none; empty: not one argument."""


def not_sent(command: Sequence[str]) -> str:
    """Why `command` is not sent by a session that only reads; empty where it is."""
    name, arguments = (command[0].lower(), command[1:]) if command else ("", [])
    allowed = READING.get(name, frozenset())
    if name not in READING or (
        allowed is not None and (arguments[0].lower() not in allowed if arguments else bool(allowed))
    ):
        return f"{' '.join(command[:2]).upper() or 'nothing'} is not sent: this session only reads"
    if name == "config" and any(set("*?[\\") & set(pattern) for pattern in arguments):
        return "CONFIG GET is sent for single names only: a pattern could answer with passwords"
    return ""


def shaped(command: Sequence[str], answer: Any) -> Any:
    """The answer to `command` as `RedisSession` describes it."""
    name = command[0].lower()
    if name == "info":
        return _parsed_info(answer)
    if name == "client" and command[1].lower() == "info":
        return dict(pair.partition("=")[::2] for pair in answer.split())
    if name == "hello" or (name == "config" and isinstance(answer, list)):
        return _pairs(answer)
    if name == "acl" and command[1].lower() == "getuser" and answer is not None:
        user = _pairs(answer)
        return {**user, "selectors": [_pairs(selector) for selector in user.get("selectors", [])]}
    return answer


def _pairs(flat: Any) -> dict[str, Any]:
    return dict(flat) if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))


def _parsed_info(text: str) -> dict[str, Any]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return {name: int(value) if re.fullmatch(r"-?\d+", value) else value for name, _, value in pairs}
