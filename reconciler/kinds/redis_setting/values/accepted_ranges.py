"""Which values a server takes and keeps: ranges and words, as the servers themselves named them in their refusals.

Only what was seen is known: of other versions nothing is refused here, and what comes of a value is read back.
"""

from __future__ import annotations

from reconciler.kinds.redis_setting.values import meaning
from reconciler.kinds.redis_setting.values.parameters import ALIASES, INTEGERS, MEMORY

TRIED = frozenset({("Redis", (6, 2)), ("Redis", (7, 0)), ("Valkey", (9, 1))})
"""Product, and major and minor version."""

_INT, _LONG = 2**31 - 1, 2**63 - 1

_BY_RANGE = {
    (-_INT - 1, _INT): "key-load-delay list-max-listpack-size rdb-key-save-delay",
    (-1, _LONG): """
        commandlog-reply-larger-than commandlog-request-larger-than slot-migration-max-failover-repl-bytes
        slowlog-log-slower-than
    """,
    (0, 100): "maxmemory-eviction-tenacity",
    (0, 128): "prefetch-batch-max-size",
    (0, 1000): "active-defrag-threshold-lower active-defrag-threshold-upper",
    (0, 65535): """
        cluster-announce-bus-port cluster-announce-client-port cluster-announce-client-tls-port
        cluster-announce-port cluster-announce-tls-port replica-announce-port
    """,
    (0, 100000): "active-defrag-cycle-us",
    (0, _INT): """
        auto-aof-rewrite-percentage cluster-migration-barrier cluster-replica-validity-factor lfu-decay-time
        lfu-log-factor list-compress-depth min-replicas-max-lag min-replicas-to-write repl-diskless-sync-delay
        repl-diskless-sync-max-replicas replica-priority shutdown-timeout tcp-keepalive timeout
        tls-auto-reload-interval tls-session-cache-size tls-session-cache-timeout
    """,
    (0, _LONG): """
        acllog-max-len auto-aof-rewrite-min-size busy-reply-threshold cluster-node-timeout
        cluster-slot-migration-log-max-len commandlog-large-reply-max-len commandlog-large-request-max-len
        hash-max-listpack-entries hash-max-listpack-value hll-sparse-max-bytes latency-monitor-threshold
        repl-backlog-ttl set-max-intset-entries set-max-listpack-entries set-max-listpack-value slowlog-max-len
        stream-node-max-bytes stream-node-max-entries tracking-table-max-keys zset-max-listpack-entries
        zset-max-listpack-value
    """,
    (1, 10): "active-expire-effort",
    (1, 99): "active-defrag-cycle-max active-defrag-cycle-min",
    (1, 256): "io-threads",
    (1, 500): "hz",
    (1, 1000): "max-new-connections-per-cycle max-new-tls-connections-per-cycle",
    (1, _INT): "cluster-manual-failover-timeout maxmemory-samples repl-ping-replica-period repl-timeout",
    (1, 4294967295): "maxclients",
    (1, _LONG): "active-defrag-ignore-bytes active-defrag-max-scan-fields",
    (16384, _LONG): "repl-backlog-size",
    (1048576, _LONG): "client-query-buffer-limit proto-max-bulk-len",
}
"""Least and most. Of `hz` and `repl-backlog-size` what is kept: other numbers are taken without a word, and altered."""

SHORTEST_WATCH = 200
"""Milliseconds of watchdog-period: less is raised to two ticks of `hz`, without a word."""

_RANGES = {name: bounds for bounds, names in _BY_RANGE.items() for name in names.split()}

_RANGES_ONLY_THERE = {("Valkey", (9, 1)): {"maxmemory-samples": (1, 64)}}

_WORDS = {
    "acl-pubsub-default": "allchannels resetchannels",
    "appendfsync": "everysec always no",
    "cluster-config-save-behavior": "sync best-effort",
    "cluster-preferred-endpoint-type": "ip hostname unknown-endpoint",
    "log-format": "legacy logfmt json",
    "log-timestamp-format": "legacy iso8601 milliseconds",
    "loglevel": "debug verbose notice warning",
    "maxmemory-policy": "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random "
    "noeviction",
    "oom-score-adj": "no yes relative absolute",
    "propagation-error-behavior": "ignore panic panic-on-replicas",
    "rdb-version-check": "strict relaxed",
    "repl-diskless-load": "disabled on-empty-db swapdb",
    "sanitize-dump-payload": "no yes clients",
    "shutdown-on-sigint": "default save nosave now force",
    "shutdown-on-sigterm": "default save nosave now force",
    "tls-auth-clients": "no yes optional",
    "tls-auth-clients-user": "cn uri off",
}
_WORDS_ONLY_THERE = {
    ("Valkey", (9, 1)): {
        "loglevel": "debug verbose notice warning nothing",
        "repl-diskless-load": "disabled on-empty-db swapdb flush-before-load",
        "shutdown-on-sigint": "default save nosave now force safe failover",
        "shutdown-on-sigterm": "default save nosave now force safe failover",
    }
}

_EVENTS: dict[tuple[str, tuple[int, ...]], str] = {
    ("Redis", (6, 2)): "AKE$deghlmstxz",
    ("Redis", (7, 0)): "AKE$deghlmnstxz",
    ("Valkey", (9, 1)): "AKE$deghlmnstxz",
}
"""Letters of notify-keyspace-events."""


def words(name: str, product: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """The words that this server takes for `name`; empty where it takes others, or it is not known."""
    server = (product, version[:2])
    if server not in TRIED:
        return ()
    return tuple(_WORDS_ONLY_THERE.get(server, {}).get(name, _WORDS.get(name, "")).split())


def bounds(name: str, product: str, version: tuple[int, ...]) -> tuple[int, int] | None:
    """The least and the most that this server takes and keeps for `name`, inclusive; None where that is not known."""
    name, server = ALIASES.get(name, name), (product, version[:2])
    if server not in TRIED:
        return None
    return _RANGES_ONLY_THERE.get(server, {}).get(name, _RANGES.get(name))


def refusal(name: str, text: str, product: str, version: tuple[int, ...]) -> str:
    """Why this server would not run with `text` for `name`; empty where it would, or that is not known."""
    valid = words(name, product, version)
    unknown = [word for word in text.lower().split() or [""] if word not in valid]
    if valid and unknown:
        return f"{unknown[0] or 'nothing'} is no word for {name}: it is {_alternatives(valid)}"
    letters = set(_EVENTS.get((product, version[:2]), text))
    if name == "notify-keyspace-events" and set(text) - letters:
        return f"{min(set(text) - letters)} is no letter of {name}: it is {' '.join(sorted(letters))}"
    if name == "watchdog-period" and int(text):
        if version < (7,):
            return "6.2 writes it into no file, and does not start with a file that has it: set it by hand for as long"
        if int(text) < SHORTEST_WATCH:
            return f"{text} would become {SHORTEST_WATCH}: two ticks of hz 10 at least"
    found = bounds(name, product, version) if name in INTEGERS | MEMORY else None
    means = meaning(name, text) if found else None
    if found and isinstance(means, int) and not found[0] <= means <= found[1]:
        least, most = found
        return f"{text} is out of range: {name} is {f'at least {least}' if most >= _INT else f'from {least} to {most}'}"
    return ""


def _alternatives(valid: tuple[str, ...]) -> str:
    return f"{', '.join(valid[:-1])} or {valid[-1]}"
