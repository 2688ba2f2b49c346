from __future__ import annotations

import pytest
from redis_setting.releases import is_known

from reconciler.demo.redis_server import RedisServer


@pytest.fixture
def known_release(redis_server: RedisServer) -> None:
    """For tests of what the tables know: left out on a server that they were not made of."""
    if not is_known(redis_server):
        pytest.skip("what this version takes, and has by default, is not in the tables")
