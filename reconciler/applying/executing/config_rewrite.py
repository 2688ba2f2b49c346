"""Has a Redis write its file, and sees that it could read it again.

A plan refuses to have a file written with users that would be written wrong; but they may come, and go again, while an
apply runs, and after CONFIG REWRITE with one of them a server does not start any more.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.targets.redis.unloadable_users import breaks

WRITING = (("CONFIG", "REWRITE"), ("ACL", "SAVE"))
"""Commands by which a server writes its users down."""

PAUSES = (0.0, 0.1, 0.5, 1.0, 2.0)
"""Seconds before each attempt: a user who comes and goes is away at one of these moments, or is there to stay."""


class WrittenWrong(Exception):
    """What is in the file now, and what to do."""


def write(client: Any, command: Sequence[str]) -> None:
    """Sends `command`, one of WRITING, and again where a user was there who is written wrong.

    Raises RedisError, WrittenWrong.
    """
    why = ""
    for pause in PAUSES:
        time.sleep(pause)
        why = _once(client, command)
        if not why:
            return
    raise WrittenWrong(
        f"{why}. The file is written with it by now: once the user is changed, {' '.join(command)} mends it, and until "
        "then the server must not be restarted"
    )


def _once(client: Any, command: Sequence[str]) -> str:
    """Why the file that was written cannot be read again; empty where it can, or that is not to be seen.

    What is sent at once is done at once: no other client's command comes in between.
    """
    pipeline = client.pipeline(transaction=False)
    for words in (("CONFIG", "GET", "aclfile"), ("ACL", "LIST"), command, ("ACL", "LIST")):
        pipeline.execute_command(*words)
    configured, before, written, after = pipeline.execute(raise_on_error=False)
    if isinstance(written, Exception):
        raise written
    saved = tuple(command) == ("ACL", "SAVE")
    in_acl_file = not isinstance(configured, Exception) and any(_values(configured))
    if isinstance(before, Exception) or isinstance(after, Exception) or (in_acl_file and not saved):
        return ""
    return breaks([*before, *after], acl_file=saved)


def _values(answer: Mapping[str, str] | Sequence[str]) -> Iterable[str]:
    """Of CONFIG GET, whatever protocol the connection speaks."""
    return answer.values() if isinstance(answer, Mapping) else answer[1::2]
