"""A primary with two replicas, and the three Sentinels that watch it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import redis
from waiting import PATIENCE, until

from clusters.ports import lasting_port
from reconciler.demo.redis_server import RedisServer

NAME = "Main"
"""What the Sentinels call the primary."""

QUORUM = 2

DATA_SETTINGS = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}

CALM = {"down-after-milliseconds": "600000", "failover-timeout": "30000"}
"""No pause of a busy machine is taken for the primary's end. A failover that somebody has asked for has half a minute,
which is also when the Sentinels put a replica right that has missed it (seen: one that followed the old primary)."""

NERVOUS = {
    "down-after-milliseconds": "1000",  # default 30000
    "failover-timeout": "3000",  # default 180000; a failed attempt is repeated after twice this
}


class Sentinel(RedisServer):
    """A server in Sentinel mode. It rewrites its own configuration file."""

    arguments = ("--sentinel",)

    def start(self) -> None:
        """Starts it and, from 7.0 on, has it look around more often than every ten seconds. Raises ServerFailed.

        How often it speaks to the others stays as it is: a Sentinel that has not heard of a failover within four times
        PUBLISH-PERIOD makes the new primary a replica again, and none mends that while all are `CALM` (seen on a busy
        machine with 200 ms: both followed each other for ever).
        """
        super().start()
        with closing(self.client()) as client, suppress(redis.ResponseError):
            client.execute_command("SENTINEL", "DEBUG", "INFO-PERIOD", 200)

    def client(self) -> redis.Redis:
        """A connection to it, answers as text; the caller closes it."""
        return redis.Redis(port=self.port, decode_responses=True, socket_timeout=PATIENCE)


class SentinelTrio:
    """`data` are the servers, the first the primary at first; `sentinels` the three that watch it as `NAME`.

    A primary that is gone stays the primary, unless the Sentinels are `replacing`. `password` is everybody's
    requirepass and masterauth, and known to the Sentinels; empty: none.
    """

    def __init__(
        self, folder: Path, binary: Path, settings: Mapping[str, str] | None = None, password: str = ""
    ) -> None:
        self.password = password
        secret = {"requirepass": password, "masterauth": password} if password else {}
        first = RedisServer(folder / "data1", binary, DATA_SETTINGS | secret | dict(settings or {}))
        first.port = lasting_port()
        self.data = [first]
        for number in (2, 3):
            following = {"replicaof": f"127.0.0.1 {first.port}"}
            self.data.append(
                RedisServer(folder / f"data{number}", binary, DATA_SETTINGS | secret | dict(settings or {}) | following)
            )
        watching = {
            f"sentinel monitor {NAME}": f"127.0.0.1 {first.port} {QUORUM}",
            **({f"sentinel auth-pass {NAME}": password} if password else {}),
            **{f"sentinel {name} {NAME}": value for name, value in CALM.items()},
        }
        self.sentinels = [Sentinel(folder / f"sentinel{number + 1}", binary, watching) for number in range(3)]
        for server in [*self.data[1:], *self.sentinels]:
            server.port = lasting_port()

    def start(self) -> None:
        """Starts those that do not run, and waits until all know each other. Raises NeverHappened."""
        for server in [*self.data, *self.sentinels]:
            if server.process is None:
                server.start()
        self.healthy()

    def stop(self) -> None:
        """Ends all, the Sentinels first."""
        for server in [*self.sentinels, *self.data]:
            if server.process is not None:
                server.process.kill()
            server.stop()

    def replacing(self) -> None:
        """From now on a primary that is gone is replaced, within two or three seconds if the machine is quick."""
        for sentinel in self.sentinels:
            with closing(sentinel.client()) as client:
                for name, value in NERVOUS.items():
                    client.execute_command("SENTINEL", "SET", NAME, name, value)

    def client(self, server: RedisServer) -> redis.Redis:
        """A connection to one of `data`, answers as text; the caller closes it."""
        return redis.Redis(
            port=server.port, password=self.password or None, decode_responses=True, socket_timeout=PATIENCE
        )

    def master(self) -> RedisServer:
        """Whom the first running Sentinel names. Raises redis.RedisError, StopIteration where none runs."""
        _, port = self._ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return next(server for server in self.data if server.port == int(port))

    def failover(self) -> RedisServer:
        """Makes a Sentinel promote a replica, waits until all follow it, and returns it. Raises NeverHappened."""
        before = self.master()
        self._wait("a failover's beginning", lambda: self._ask("SENTINEL", "FAILOVER", NAME))
        self._wait("another primary", lambda: self.master() is not before)
        self.healthy()
        return self.master()

    def healthy(self, seconds: float = PATIENCE) -> None:
        """Waits until the running Sentinels agree about a running primary that all other running servers follow."""

        def there() -> bool:
            running = [server for server in self.data if server.process is not None]
            master = self.master()
            if master not in running:
                return False
            watching = [sentinel for sentinel in self.sentinels if sentinel.process is not None]
            for sentinel in watching:
                with closing(sentinel.client()) as client:
                    seen = client.sentinel_master(NAME)
                    addressed = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
                if (
                    int(addressed[1]) != master.port
                    or int(seen["num-other-sentinels"]) != len(self.sentinels) - 1
                    or int(seen["num-slaves"]) != len(self.data) - 1
                    or seen["flags"] not in ("master", {"master"})
                ):
                    return False
            return all(self._follows(server, master) for server in running if server is not master)

        self._wait("healthy Sentinels", there, seconds)

    def _follows(self, server: RedisServer, master: RedisServer) -> bool:
        with closing(self.client(server)) as client:
            about: dict[str, Any] = client.info("replication")
        return about["role"] == "slave" and about["master_port"] == master.port and about["master_link_status"] == "up"

    def _ask(self, *command: str) -> Any:
        sentinel = next(sentinel for sentinel in self.sentinels if sentinel.process is not None)
        with closing(sentinel.client()) as client:
            return client.execute_command(*command)

    def _wait(self, what, ask, seconds: float = PATIENCE):
        def log() -> str:
            return "\n".join(f"{server.folder.name}:\n{server.log[-600:]}" for server in [*self.data, *self.sentinels])

        return until(ask, what, seconds=seconds, log=log, ignoring=(redis.RedisError,))
