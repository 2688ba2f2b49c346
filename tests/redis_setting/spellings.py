"""How the value of every parameter can be spelt, and how it cannot: by type, and by name where a type is one's own.

Whether a server really takes a spelling, and reads it as the same, the tests ask the server each time.
"""

from __future__ import annotations

from itertools import permutations

from reconciler.kinds.redis_setting.values import parameters

UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "k": 10**3, "m": 10**6, "g": 10**9}

STARTING = {
    "client-output-buffer-limit": "normal 1gb 512mb 60 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
    "client-query-buffer-limit": "512mb",
    "latency-tracking-info-percentiles": "50 99 99.9",
    "maxmemory": "3gb",
    "maxmemory-clients": "10%",
    "notify-keyspace-events": "KEg$",
    "oom-score-adj": "relative",
    "proto-max-bulk-len": "2gb",
    "repl-backlog-size": "16mb",
    "save": "3600 1 300 100 60 10000",
    "shutdown-on-sigterm": "nosave now",
    "slowlog-log-slower-than": "-1",
    "tls-protocols": "TLSv1.2 TLSv1.3",
}
"""Values in which there is something to spell, set before: most defaults are 0 or nothing."""

STARTING_IN_FILE = {
    "databases": "24",
    "disable-thp": "no",
    "syslog-facility": "local3",
    "syslog-ident": "re dis",
    "tcp-backlog": "128",
    "unixsocketperm": "0700",
}
"""The same for what only the file can bring."""

OF_ITS_OWN = {
    "bind": ("127.0.0.1",),
    "client-output-buffer-limit": (
        "normal 1gb 512mb 60",
        "normal 1024mb 536870912 060",
        "Slave 256MB 64mb 60",
        "replica 268435456b 65536kb 060",
        "pubsub 32mb 8mb 60 normal 1gb 512mb 60",
        "pubsub 1 1 1 pubsub 33554432 8192kb 60 slave 256mb 64mb 60 normal 1GB 512MB 60",
    ),
    "dir": ("{value}/",),
    "latency-tracking-info-percentiles": ("99.9 50 99", "50.0 9.9e1 99.90", "+50 99 99.900000001"),
    "maxmemory-clients": ("10%",),
    "notify-keyspace-events": (*map("".join, permutations("KEg$")), "KKEg$$"),
    "oom-score-adj": ("relative", "yes", "YES", "Relative"),
    "oom-score-adj-values": ("0 0200 +800", "-0 200 00800"),
    "replicaof": ("no one", "NO ONE"),
    "save": ("60 10000 300 100 3600 1", "03600 1 300 0100 60 10000"),
    "shutdown-on-sigterm": ("NOW nosave", "nosave now default", "now now nosave"),
    "slaveof": ("no one", "No One"),
    "tls-protocols": ("TLSv1.3 TLSv1.2", "tlsv1.2 TLSV1.3", "TLSv1.2 TLSv1.2 TLSv1.3"),
    "unixsocketperm": ("700", "0700", "00700"),
}

SET_OTHERWISE = frozenset({"client-output-buffer-limit", "latency-tracking-info-percentiles", "tls-protocols", "save"})
"""What CONFIG GET answers letter by letter as it was set, so that only the meaning stays the same."""


def spellings(name: str, value: str) -> list[str]:
    """`value`, and whatever else means the same."""
    if name in OF_ITS_OWN:
        return [value, *(text.format(value=value) for text in OF_ITS_OWN[name])]
    if name in parameters.MEMORY and value.isdigit():
        return [value, *_amounts(int(value))]
    if name in parameters.BOOLEANS | parameters.ENUMS | parameters.FIXED_WORDS:
        return [value, value.upper(), value.title(), value.swapcase()[:1] + value[1:]]
    return [value]


def _amounts(amount: int) -> list[str]:
    found = [f"{amount}b", f"{amount}B", f"00{amount}"]
    for unit, factor in UNITS.items():
        if amount and amount % factor == 0:
            found += [f"{amount // factor}{spelt}" for spelt in (unit, unit.upper(), unit.title())]
    return found


def near_misses(name: str, value: str) -> list[str]:
    """What looks like a value of this parameter, and is none."""
    if name in parameters.INTEGERS:
        return [f"0{value}", f"+{value}", f"{value}.0", f"{value}b", "1e3", "0x10", "ten", "", "1 2", "9" * 20]
    if name in parameters.MEMORY:
        return ["1.5gb", "1 gb", "1tb", "1gib", "-1gb", "+1gb", "0x10", "1e3", "much"]
    if name in parameters.BOOLEANS:
        return ["True", "true", "on", "1", "y", "yes!", ""]
    if name in parameters.ENUMS | {"shutdown-on-sigint", "shutdown-on-sigterm"}:
        return [f"{value.split()[0]}x", "", "nonsense", f"{value} nonsense"]
    return {
        "client-output-buffer-limit": ["normal 0 0", "master 0 0 0", "normal 1.5gb 0 0", "normal 0 0 -1"],
        "latency-tracking-info-percentiles": ["101", "-1", "p99", "50,99", "nan"],
        "notify-keyspace-events": ["KEq", "K E", "KE,g"],
        "oom-score-adj-values": ["0 200", "0 200 3000", "a b c", "0 0x10 0"],
        "save": ["3600", "3600 1 300", "often", "1h 1", "3600 -1"],
    }.get(name, [])
