"""A disk that is full: the build fails, the old index stays, and with room again the next run finishes the work.

Two ways to be full, since not everybody may mount: a small file system of its own for a tablespace, which takes root;
and a limit to the size of files (RLIMIT_FSIZE of the server), which takes nothing. PostgreSQL meets both in the same
place, when it extends a file of the index: "could not extend file".
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from applying.acting import apply, plan_for, results

from faults.scenes import Scene, checksum, converges, indexes
from reconciler.model import Applied

ROWS = 80_000
WIDE = ["(title || repeat('x', 300)) collate \"C\""]
"""An index on that is larger than the limits below: about 26 MB."""

FILE_SIZE = 17 << 20
"""Bytes; more than a segment of WAL, which is 16 MB and has to be written all the same."""

TABLESPACE = "create tablespace small location '{}'"


class SmallDisk:
    """A file system of 8 MB, with a tablespace on it."""

    tablespace = "small"
    said = "No space left on device"

    def __init__(self, connection: psycopg.Connection, postgres) -> None:
        self._place: Path = postgres.folder / "small"
        self._connection = connection
        self._place.mkdir()
        self._mount("size=8m")
        (self._place / "data").mkdir()
        owner = postgres.data.stat()
        os.chown(self._place / "data", owner.st_uid, owner.st_gid)
        connection.execute(TABLESPACE.format(self._place / "data").encode())

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self._place], check=True)

    def make_room(self) -> None:
        self._mount("remount,size=200m")

    def close(self) -> None:
        self._connection.execute("drop table tasks")
        self._connection.execute("drop tablespace small")
        subprocess.run(["umount", self._place], check=True)
        self._place.rmdir()


class SmallFiles:
    """The server may write no file larger than FILE_SIZE: sessions that begin from now on."""

    tablespace = ""
    said = "File too large"

    def __init__(self, connection: psycopg.Connection, postgres) -> None:
        self._pid = (postgres.data / "postmaster.pid").read_text().split("\n")[0]
        self._owner = postgres.data.stat()
        self._limit(str(FILE_SIZE))

    def _limit(self, soft: str) -> None:
        # As the user that the server runs as: for everybody else it takes a capability that even root may lack.
        owner = {"user": self._owner.st_uid, "group": self._owner.st_gid} if os.geteuid() == 0 else {}
        subprocess.run(["prlimit", "--pid", self._pid, f"--fsize={soft}:"], check=True, **owner)

    def make_room(self) -> None:
        self._limit("unlimited")

    close = make_room


@contextmanager
def may_mount(folder: Path) -> Iterator[bool]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


@pytest.fixture(params=[SmallDisk, SmallFiles], ids=["a small file system", "a limit to the size of files"])
def full(request, sql, postgres, tmp_path) -> Iterator[Callable[[], SmallDisk | SmallFiles]]:
    """Makes the disk full, when it is called."""
    if request.param is SmallDisk:
        with may_mount(tmp_path / "probe") as mounted:
            if not mounted:
                pytest.skip("a file system cannot be mounted here: that takes root")
    elif not shutil.which("prlimit"):
        pytest.skip("there is no prlimit here: it is part of util-linux")
    made = []

    def fill() -> SmallDisk | SmallFiles:
        made.append(request.param(sql, postgres))
        return made[0]

    yield fill
    for each in made:
        each.close()


WAYS = [
    ((), "create"),
    (("create index i on tasks (priority)",), "replace"),
]


@pytest.mark.parametrize(("before", "reason"), WAYS, ids=[way[1] for way in WAYS])
def test_a_build_that_finds_no_room(before, reason, full, sql, pg_target):
    scene = Scene(reason, 0, {}, before)
    scene.set_up(sql, ROWS)
    there, data = indexes(sql), checksum(sql)
    disk = full()
    spec = {"columns": WIDE, **({"tablespace": disk.tablespace} if disk.tablespace else {})}
    scene = Scene(reason, 0, {"i": spec}, before)
    receipt = apply(plan_for(pg_target, scene.resources(pg_target)), pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.i": Applied.FAILED}
    assert disk.said in receipt.changes[0].message
    assert "what it left behind was taken away: drop index concurrently" in receipt.changes[0].message
    assert indexes(sql) == there, "what was there still serves, and nothing was added"
    disk.make_room()
    converges(scene, sql, pg_target)
    assert checksum(sql) == data
