"""How PostgreSQL reads a boolean wherever one is written as text."""

from __future__ import annotations

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def parse_bool(text: str) -> bool | None:
    """What PostgreSQL's parse_bool (src/backend/utils/adt/bool.c) makes of `text`, blanks counting; None: no boolean.

    Any beginning that only one of its words has will do, in any case.
    """
    lowered = text.lower()
    if not lowered or lowered == "o":
        return None
    return next((value for word, value in _WORDS.items() if word.startswith(lowered)), None)
