"""What each version has by default.

No server tells its defaults. They were measured on servers started with an empty configuration file, by
`tests/redis_setting/measure_defaults.py`. A version that was not measured is compared with the nearest older one that
was; Valkey before 9 with Redis 7.0, which it was made from.

Decided: docs/decisions.md#defaults-of-redis
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from reconciler.kinds.redis_setting.values.parameters import ALIASES

TABLE = Path(__file__).with_name("defaults.json")

OF_THE_MACHINE = frozenset({"dir"})
"""Parameters that have no default: what they are without a line of the file depends on how the server was started."""


FORKED = "Redis 7.0"
"""The measured version that is nearest to the one which Valkey was made from."""


def defaults(product: str, version: tuple[int, ...]) -> tuple[str, Mapping[str, str]]:
    """Product and version whose defaults are the best guess ("Redis 7.0"), and these defaults by parameter.

    The guess is exact where product and the first two numbers of the version are the server's own. What that server
    does not know (6.2 was measured without TLS) is as in the nearest one that does. Of two names of one parameter only
    the newer one that the version knows is there.
    """
    tables = _tables()
    measured = sorted((_key(name), name) for name in tables if name.startswith(product) or name == FORKED)
    older = [name for number, name in measured if number <= version[:2]]
    newer = [name for number, name in measured if number > version[:2]]
    nearest = [*reversed(older), *newer]
    found: dict[str, str] = {}
    for name in nearest:
        found = tables[name] | found
    return nearest[0], found


def default(name: str, product: str, version: tuple[int, ...]) -> str | None:
    """The value of `name` in a file that does not mention it; None where this very version was not measured."""
    guess, found = defaults(product, version)
    if guess != f"{product} {'.'.join(map(str, version[:2]))}":
        return None
    one = ALIASES.get(name, name)
    return next((value for known, value in found.items() if ALIASES.get(known, known) == one), None)


@cache
def _tables() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return read


def _key(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.partition(" ")[2].split(".")))
