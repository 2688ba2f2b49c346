"""Which addresses an entry of --hosts stands for."""

from __future__ import annotations

import pytest

from reconciler.allow_lists import Reach, hosts
from reconciler.errors import ConnectionFailed

CASES = [
    ("db1", "db1", 5432, True, "any port"),
    ("db1", "DB1.", 5432, True, "names have no case, and may end with the root's dot"),
    ("db1", "db1.evil.example", 5432, False, "no beginning of a name"),
    ("db1:5432", "db1", 5432, True, "its port"),
    ("db1:5432", "db1", 5433, False, "another port"),
    ("db1:5432", "db1", None, False, "no port"),
    ("10.0.0.0/8", "10.1.2.3", 1, True, "an address in a network"),
    ("10.0.0.0/8", "11.1.2.3", 1, False, "one outside of it"),
    ("10.0.0.0/8", "::ffff:10.1.2.3", 1, True, "an IPv4 address in IPv6"),
    ("10.0.0.0/8", "db1", 1, False, "a name, wherever it leads"),
    ("127.0.0.1", "0x7f000001", 1, False, "another spelling, which is not read"),
    ("::1", "[0:0:0:0:0:0:0:1]", 1, True, "IPv6 is compared as an address"),
    ("[fd00::1]:6379", "fd00::1", 6379, True, "with a port"),
    ("[fd00::1]:6379", "fd00::1", 6380, False, "with another"),
    ("/run/postgresql", "/run/postgresql", 5432, True, "the folder of Unix sockets"),
    ("/run/redis", "/run/redis/redis.sock", None, True, "a socket in it"),
    ("/run/redis", "/run/redis/../evil.sock", None, False, "no way out of it"),
    ("/run/redis", "redis", 6379, False, "a host is no path"),
    ("db1", "", 5432, False, "no host at all"),
]


@pytest.mark.parametrize(("entry", "host", "port", "holds", "reason"), CASES, ids=[case[4] for case in CASES])
def test_an_entry_stands_for_what_it_says(entry, host, port, holds, reason):
    reach = Reach(hosts=hosts(f"elsewhere.example,{entry}"))
    if holds:
        reach.refuse_host("main", host, port)
        return
    with pytest.raises(ConnectionFailed, match="is not among the hosts that may be connected to"):
        reach.refuse_host("main", host, port)
