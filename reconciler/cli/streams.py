"""Standard streams that may be closed, full, or read by nobody any more: the work is done all the same.

`>&-` closes one: Python then has None in its place, and the next file or connection that is opened gets its number, so
that whatever a library prints would go there. `| head` ends while we write. A disk may be full.

Decided: docs/decisions.md#full-disks-behind-standard-output
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, TextIO, cast


class Stream:
    """A text stream that goes silent instead of failing. `lost` is why, once it has; all else is the stream's."""

    def __init__(self, stream: TextIO, lost: OSError | None = None) -> None:
        self._stream = stream
        self.lost = lost

    def write(self, text: str) -> int:
        """Writes `text`, or loses it."""
        if self.lost is None:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what was written."""
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is still in its buffer would be written when Python ends, which would then say so and exit with 120.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def mend() -> None:
    """Sees to it that the three standard streams are there, and that output which goes nowhere ends nothing."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            if nowhere > 2:
                os.close(nowhere)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - it stays open until the end
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nothing = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - it stays open until the end
            setattr(sys, name, cast(TextIO, Stream(nothing, OSError(errno.EBADF, os.strerror(errno.EBADF)))))
        elif not isinstance(stream, Stream):
            setattr(sys, name, cast(TextIO, Stream(stream)))


def lost(stream: object) -> OSError | None:
    """Why what was written to `stream` went nowhere; None where it did not."""
    return stream.lost if isinstance(stream, Stream) else None


def missed(stream: object) -> OSError | None:
    """The same, where somebody wanted to have it: nobody closes a stream, or ends reading, who does."""
    found = lost(stream)
    return None if found is None or found.errno in (errno.EPIPE, errno.EBADF) else found
