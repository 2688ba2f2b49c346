"""The command line: options → stage → view → exit code. One file a verb; a verb is imported when it is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `reconciler`. Exits with the codes that each verb documents; 1 is always an error."""
    from reconciler.cli import streams

    streams.mend()  # before anything is opened
    from reconciler.cli.app import run

    code = run(arguments)
    # What is left by now ends with the process. Python would first search all of it for cycles, more than once, which
    # takes a tenth of a large plan's time.
    gc.freeze()
    sys.exit(code)
