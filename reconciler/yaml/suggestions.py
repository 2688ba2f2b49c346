"""How errors about YAML quote what was written, and propose what was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from difflib import get_close_matches

LONGEST_QUOTED = 60
"""Characters of somebody's text that are repeated in an error: enough to recognise it, and it stays one line."""

MOST_NAMES = 20
"""Valid names that are listed: the longest list of a model's keys fits; a thousand target names would not help."""


def quoted(text: str) -> str:
    """`text` between double quotes, in one line, shortened, and safe to print on a terminal.

    Of a URL only the scheme is shown: the rest may hold a password.
    """
    url = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*://)", text)
    if url:
        return f'"{url[1]}…"'
    short = text if len(text) <= LONGEST_QUOTED else text[: LONGEST_QUOTED - 1] + "…"
    return f'"{short}"' if short.isprintable() else json.dumps(short)


def nearest(name: str, valid: Collection[str]) -> str | None:
    """The one of `valid` that was probably meant by `name`, whatever its case; None where none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    found = get_close_matches(name[:200].casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else None


def unknown(what: str, name: str, valid: Collection[str]) -> str:
    """`unknown key "colums"; did you mean "columns"? (valid: columns, include)`."""
    near = nearest(name, valid)
    proposal = f"; did you mean {quoted(near)}?" if near is not None else ""
    return f"unknown {what} {quoted(name)}{proposal}{_listed(valid)}"


def alternatives(names: Collection[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _listed(valid: Collection[str]) -> str:
    names = list(valid)
    if not names:
        return ""
    shown = ", ".join(names[:MOST_NAMES])
    return f" (valid: {shown}{', …' if len(names) > MOST_NAMES else ''})"
