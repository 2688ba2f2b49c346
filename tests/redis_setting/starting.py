"""Redis started as people start it: by its bare name, from its folder, with arguments, by another account."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from clusters.ports import lasting_port
from waiting import until_it_answers

from reconciler.demo.redis_server import RedisServer
from reconciler.model import RedisTarget, Target


@contextmanager
def started(
    redis_server: RedisServer, *arguments: str,
    before: Sequence[str] = (), program: str = "", environment: Mapping = {}, cwd: Path | None = None,
) -> Iterator[tuple[Target, redis.Redis]]:  # fmt: skip
    """A second server of the same version, in the folder of `redis_server`: as a target, and a client of it.

    `arguments` are all that stand behind the program; PORT in them, and in a file, is its port.
    """
    port = str(lasting_port())
    for file in redis_server.folder.glob("*.conf"):
        file.write_text(file.read_text().replace("PORT", port))
    process = subprocess.Popen(
        [*before, program or redis_server.binary, *(word.replace("PORT", port) for word in arguments)],
        stdout=subprocess.DEVNULL, cwd=cwd or redis_server.folder, env={**os.environ, **environment},
    )  # fmt: skip
    client = redis.Redis(port=int(port), decode_responses=True)
    try:
        until_it_answers(client)
        yield RedisTarget(name="cache", url=f"redis://127.0.0.1:{port}/0", memory=8 << 30), client
    finally:
        client.close()
        process.kill()
        process.wait()
