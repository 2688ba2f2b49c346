"""URLs that are given on the command line, to be written into YAML: no password may be in them.

A command line is seen by everybody who is logged in, and kept in the history of shells. Rather a URL too many is
refused than one too few: what looks like a password is none of ours to judge.

Decided: docs/decisions.md#urls-on-the-command-line
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from reconciler.desired.variables import REFERENCE
from reconciler.errors import UsageError
from reconciler.model import System

VARIABLES: Mapping[System, str] = {System.POSTGRES: "DATABASE_URL", System.REDIS: "REDIS_URL"}
"""The variables that usually hold such a URL, and so are the examples."""

_DECODED = 3
"""How often a URL is percent-decoded: what is encoded twice is still to be read by people who try."""

_VARIABLE = "\0"
"""Stands for what a variable will hold: no URL has this sign."""

_BEFORE_HOST = re.compile(rf":(?!{_VARIABLE}*@)[^@]+@", re.DOTALL)
"""`user:password@`, whatever signs the password holds."""

_OPTION = re.compile(
    rf"(?:passw(?:or)?d|passphrase|secret|token|scram_\w+_key)\s*=(?!\s*'?{_VARIABLE}+'?(?:[\s&#]|\Z)|''|&|#|\s*\Z)",
    re.IGNORECASE,
)
"""`password=…` of a URL and of a connection string, and its like of either driver."""


def without_password(url: str, system: System) -> str:
    """`url` as it is to be written: with its `${NAME}`, and without a password. Raises UsageError, which never repeats
    a part of it."""
    option, variable = f"--{system.value}", f"${{{VARIABLES[system]}}}"
    text = url.strip()
    if not text:
        raise UsageError(
            f"the URL of {option} is empty: is a variable not set?",
            hint=f"let the YAML name the variable, in single quotes: {option} '{variable}'",
        )
    if any(_BEFORE_HOST.search(form) or _OPTION.search(form) for form in _forms(text)):
        ways = f"export it as {VARIABLES[system]}, and let the YAML name that, in single quotes: {option} '{variable}'"
        if system is System.POSTGRES:
            ways += "; or leave the password out: PGPASSWORD and ~/.pgpass are read as by psql"
        raise UsageError(f"the URL of {option} holds a password, or looks as if: others see a command line", hint=ways)
    return text


def _forms(text: str) -> Iterator[str]:
    """`text` with its variables away, but for their defaults; and what it may be decoded to, without its scheme."""
    text = REFERENCE.sub(lambda found: _VARIABLE if found["default"] is None else found["default"], text)
    for _ in range(_DECODED + 1):
        yield re.sub(r"\A\s*[A-Za-z][A-Za-z0-9+.-]*://", "", text)
        text = unquote(text)
