"""Which targets are of which shard.

Decided: docs/decisions.md#shards
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from reconciler.model import Shard, Target
from reconciler.targets.servers_in_urls import places

MOST = 1000
"""Shards that there may be: far more than runners that anybody starts, so that a number that is none is seen."""


def parse(text: str) -> Shard:
    """The shard that `text` spells: `3/16`. Raises ValueError with what is valid."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip(), re.ASCII)
    if not found:
        raise ValueError(f"{text!r} is no shard: expected I/N, from 0/16 to 15/16")
    number, of = int(found[1]), int(found[2])
    if not 1 <= of <= MOST:
        raise ValueError(f"{text!r} is no shard: there may be from 1 to {MOST} shards")
    if number >= of:
        raise ValueError(f"{text!r} is no shard: of {of} the first is 0/{of} and the last is {of - 1}/{of}")
    return Shard(number=number, of=of)


def server(target: Target) -> str:
    """The server that decides which shard a target is of: `host:port`, as its URL names it.

    Of several hosts the first in the order of letters, however a URL orders them; of a target that leads nowhere, such
    as an application without a URL, its name.
    """
    return min(places(target), default=target.name)


def number(target: Target, of: int) -> int:
    """Which of so many shards `target` is of. It depends on nothing but the target: one more moves no other."""
    return int.from_bytes(sha256(server(target).encode("utf-8", "surrogatepass")).digest()) % of


def members(targets: Mapping[str, Target], shard: Shard) -> dict[str, Target]:
    """The targets of `shard`."""
    return {name: target for name, target in targets.items() if number(target, shard.of) == shard.number}
