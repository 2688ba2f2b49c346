"""Which releases the tables of parameters were made of."""

from __future__ import annotations

from reconciler.demo.redis_server import RedisServer
from reconciler.kinds.redis_setting.values.accepted_ranges import TRIED


def release(server: RedisServer) -> tuple[str, tuple[int, ...]]:
    """Product and version of a server of the tests."""
    product, number, *_ = server.folder.name.split("-")
    return product.capitalize(), tuple(map(int, number.split(".")))


def is_known(server: RedisServer) -> bool:
    """Whether the tables know what this server takes and what it has by default: of another one they claim nothing."""
    product, number = release(server)
    return (product, number[:2]) in TRIED
