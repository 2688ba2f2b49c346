"""What Redis and its driver say, in plain words."""

from __future__ import annotations

import re

_PLAIN = (
    (r"NOAUTH|Authentication required|HELLO must be called", "the server wants a password, and the URL has none"),
    (r"WRONGPASS|invalid username-password", "the server refuses the user or the password in the URL"),
    (r"DENIED|running in protected mode", "the server is in protected mode: from afar it wants a password to be set"),
    (r"can't set immutable config", "this can only be changed in the configuration file, with a restart"),
    (r"can't set protected config", "this can only be changed in the configuration file (enable-protected-configs no)"),
    (
        r"Rewriting config file: (?P<why>.*)",
        "the configuration file could not be written ({why}): the server's own account must be able to write the file "
        "and its folder. What was changed before is running, and not persisted",
    ),
    (r"running without a config file", "the server runs without a configuration file: nothing can be persisted"),
    (r"Timeout", "no answer in time (a server without TLS does not answer to rediss://)"),
)


def said(error: Exception) -> str:
    """What the server or the driver said, in plain words and one line. It may hold what was sent: redact it."""
    text = " ".join(str(error).split())
    for pattern, plain in _PLAIN:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return plain.format(**found.groupdict())
    return text or type(error).__name__
