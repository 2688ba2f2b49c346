"""Which version first had a word of ACL SETUSER, a category, or a command: said where a server does not have it.

What a server has is asked of the server; this is only for the way out. Of Redis 6.2, 7.0 and Valkey 9.1 as they are
seen (ACL CAT, ACL SETUSER, and the `since` of COMMAND DOCS, which of Valkey 9.1 tells every version before it, and of
commands that it has from Redis theirs). Of Redis 7.4 to 8.4 by its documentation: `since` of each command
(redis.io/docs/latest/commands, and "Redis 8.4 Commands Reference" and its like there), what is new in 8.0, 8.2 and 8.4
(redis.io/docs/latest/develop/whats-new), and the categories of ACL CAT there.
"""

from __future__ import annotations

from collections.abc import Mapping

Versions = Mapping[str, tuple[int, ...]]
"""By product, the first version that has something; a product that is not named has it in none."""

APART: Versions = {"Redis": (7, 0), "Valkey": (7, 2)}
"""Selectors, %R~ and %W~, clearselectors, and -command|subcommand. Valkey began as Redis 7.2."""

DATABASES: Versions = {"Valkey": (9, 1)}
"""db=, alldbs and resetdbs."""

_NEWER = {
    "Redis 7.0, Valkey 7.2": """
        blmpop bzmpop eval_ro evalsha_ro expiretime fcall fcall_ro function lcs lmpop pexpiretime sintercard sort_ro
        spublish ssubscribe sunsubscribe zintercard zmpop acl|dryrun client|no-evict cluster|addslotsrange
        cluster|delslotsrange cluster|links cluster|shards command|docs command|getkeysandflags command|list
        latency|histogram module|loadex pubsub|shardchannels pubsub|shardnumsub
    """,
    "Redis 7.2, Valkey 7.2": "waitaof client|no-touch client|setinfo cluster|myshardid",
    "Redis 7.4, Valkey 9.0": """
        hexpire hexpireat hexpiretime hpersist hpexpire hpexpireat hpexpiretime hpttl httl
    """,
    "Redis 8.0, Valkey 9.0": "hgetex hsetex",
    "Redis 8.0, Valkey 9.1": "hgetdel",
    "Redis 8.4, Valkey 9.1": "msetex",
    "Redis 8.2, Valkey 8.0": "cluster|slot-stats",
    "Redis 8.0": """
        vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrem vsetattr vsim
        @bloom @cms @cuckoo @json @search @tdigest @timeseries @topk
    """,
    "Redis 8.2": "xackdel xdelex",
    "Redis 8.4": "delex digest vrange cluster|migration",
    "Valkey 8.0": "client|capa script|show",
    "Valkey 8.1": "commandlog client|import-source",
    "Valkey 9.0": """
        delifeq cluster|cancelslotmigrations cluster|flushslot cluster|getslotmigrations cluster|migrateslots
        cluster|syncslots
    """,
    "Valkey 9.1": "clusterscan",
}
"""Commands, subcommands and categories that 6.2 does not have."""

GONE = {"stralgo": "Redis 7.0 replaced it by lcs", "host:": "Redis 7.0 took it away", "post": "Redis 7.0 took it away"}

_CAME = {name: versions for versions, names in _NEWER.items() for name in names.split()}


def came_with(name: str) -> str:
    """The versions that have a command (`config|get`) or category (`@json`): "Redis 8.0 and Valkey 9.0"; else empty.

    A subcommand came with its command, unless it is younger.
    """
    found = _CAME.get(name) or _CAME.get(name.partition("|")[0], "")
    return found.replace(", ", " and ")


def why_not(name: str) -> str:
    """To be put behind "this server has no command get": where it is to be had; empty where that is not known."""
    versions = came_with(name)
    return f": it came with {versions}" if versions else f": {GONE[name]}" if name in GONE else ""


def lacks(needed: Versions, product: str, version: tuple[int, ...]) -> str:
    """What a server would have to be; empty where it is that."""
    if product in needed and version >= needed[product]:
        return ""
    return " or ".join(f"{name} {'.'.join(map(str, number))}" for name, number in needed.items())
