"""PostgreSQL's own access methods, as they are on 13 to 18: what each can, and which storage parameters it knows.

From the `amhandler` of each (src/backend/access/*) and from src/backend/access/common/reloptions.c. What is wrong by
these needs no server to be told. Extensions bring more methods, of which nothing is known here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from reconciler.kinds.booleans import parse_bool
from reconciler.kinds.pg_index.model import Definition

_INTEGER = re.compile(
    r"\s*(?P<number>[+-]?(?:0[0-7]*|[1-9]\d*|\d*\.\d+|\d+\.\d*|\d+)(?:e[+-]?\d+)?)\s*\Z", re.IGNORECASE
)
_HEXADECIMAL = re.compile(r"\s*[+-]?0x", re.IGNORECASE)
_REAL = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*\Z", re.IGNORECASE)


class Parameter(NamedTuple):
    """A storage parameter: `words` it takes, or a number from `least` to `most`; neither: yes or no."""

    least: float | None = None
    most: float = 0
    whole: bool = True
    words: tuple[str, ...] = ()

    def refused(self, value: str) -> str:
        """Why the server takes no such value; empty where it does, or where that is not certain."""
        if self.words:
            return "" if value.lower() in self.words else f"expected {', '.join(self.words)}"
        if self.least is None:
            return "" if parse_bool(value) is not None else "expected true or false"
        if _HEXADECIMAL.match(value):
            return ""
        number = _number(value, whole=self.whole)
        if number is None:
            return f"expected a {'whole ' if self.whole else ''}number without a unit"
        return "" if self.least <= number <= self.most else f"expected {self.least:.0f} to {self.most:.0f}"


class Method(NamedTuple):
    """What an access method can; `includes_since`: the version from which on it takes included columns, 0: none."""

    unique: bool = False
    several: bool = True
    ordered: bool = False
    includes_since: int = 0
    parameters: Mapping[str, Parameter] = {}


_FILLFACTOR = {"fillfactor": Parameter(10, 100)}
_YES_OR_NO = Parameter()

METHODS = {
    "btree": Method(
        unique=True,
        ordered=True,
        includes_since=11,
        parameters=_FILLFACTOR
        | {"deduplicate_items": _YES_OR_NO, "vacuum_cleanup_index_scale_factor": Parameter(0, 1e10, whole=False)},
    ),
    "hash": Method(several=False, parameters=_FILLFACTOR),
    "gin": Method(
        parameters={"fastupdate": _YES_OR_NO, "gin_pending_list_limit": Parameter(64, 2**31 - 1)},
    ),
    "gist": Method(includes_since=12, parameters=_FILLFACTOR | {"buffering": Parameter(words=("auto", "on", "off"))}),
    "spgist": Method(several=False, includes_since=14, parameters=_FILLFACTOR),
    "brin": Method(parameters={"pages_per_range": Parameter(1, 131072), "autosummarize": _YES_OR_NO}),
}
"""`gin_pending_list_limit` is in kB, and goes up to 2147483647 where a pointer has 64 bits."""

NEWEST = 190000
"""From this version on, methods may know parameters that are not known here."""


OBSOLETE = {"rtree": "gist"}
"""Names that the server still takes, for another method."""


class Impossible(NamedTuple):
    """Something that no server takes, in words. `option`: the storage parameter that it is about; empty: none."""

    says: str
    option: str = ""


def beyond(definition: Definition) -> Iterator[Impossible]:
    """What is asked of a method that it cannot do, on any version."""
    method = METHODS.get(definition.method)
    if method is None:
        return
    name = definition.method
    if definition.unique and not method.unique:
        yield Impossible(f"a {name} index cannot be unique: only btree ones can")
    if len(definition.keys) > 1 and not method.several:
        yield Impossible(f"a {name} index has one column: give each an index of its own")
    if definition.include and not method.includes_since:
        yield Impossible(f"a {name} index cannot include columns: btree and gist ones can")
    if not method.ordered and any(key.descending or key.nulls_first for key in definition.keys):
        yield Impossible(f"a {name} index has no order: leave out desc and nulls first")
    for option, value in definition.options:
        known = method.parameters.get(option)
        if known is not None and (why := known.refused(value)):
            yield Impossible(f"with {option}: {why}, not {value!r}", option)
        elif known is None and (near := difflib.get_close_matches(option, method.parameters, n=1)):
            says = f"with: a {name} index has no parameter {option!r}; did you mean {near[0]!r}?"
            yield Impossible(says, option)


def unknown_parameter(definition: Definition, version_num: int) -> str:
    """A storage parameter that a server of this version does not know; empty where it may know all of them."""
    method = METHODS.get(definition.method)
    if method is None or version_num >= NEWEST:
        return ""
    for option, _ in definition.options:
        if option not in method.parameters:
            return (
                f"a {definition.method} index has no storage parameter {option}; "
                f"it has {', '.join(sorted(method.parameters))}"
            )
    return ""


def _number(value: str, *, whole: bool) -> float | None:
    """As parse_int and parse_real read it: octal after a zero, and rounded to a whole number."""
    found = (_INTEGER if whole else _REAL).match(value)
    if not found:
        return None
    with suppress(ValueError):
        if not whole:
            return float(value)
        text = found["number"]
        digits = text.lstrip("+-")
        if digits.isdigit():
            return int(text, 8 if digits.startswith("0") and len(digits) > 1 else 10)
        return float(round(float(text)))
    return None
