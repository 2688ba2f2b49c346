"""Turns for the worse: whether a setting that goes from one value to another goes where its table warns of.

Each takes the value before, None where that is not known, and the value after; what is as bad already is no turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from math import inf

from reconciler.kinds.pg_setting.startup import ciphers
from reconciler.kinds.pg_setting.values import Canonical

Turn = Callable[[Canonical | None, Canonical], bool]

_ALL_OF_IPV4 = "0.0.0.0"  # noqa: S104 - compared, not bound
_ALL_OF_IPV6 = "::"


def to(*bad: str) -> Turn:
    """To one of `bad`, of which the worse come first."""
    return lambda before, after: after in bad and (before not in bad or bad.index(after) < bad.index(before))


def leaves(*good: str) -> Turn:
    """Away from `good`."""
    return lambda before, after: after not in good and (before is None or before in good)


def sinks(*order: str) -> Turn:
    """To a word that comes before the former one in `order`; what was there is the last but one, if not known."""

    def turn(before: Canonical | None, after: Canonical) -> bool:
        known = order.index(before) if before in order else len(order) - 2
        return after in order and order.index(str(after)) < known

    return turn


def changed(before: Canonical | None, after: Canonical) -> bool:
    """To anything else."""
    return before != after


def named(before: Canonical | None, after: Canonical) -> bool:
    """To anything else but nothing."""
    return bool(after) and before != after


def emptied(before: Canonical | None, after: Canonical) -> bool:
    """From something to nothing."""
    return not after and (before is None or bool(before))


def below(limit: float, *endless: int) -> Turn:
    """To a number under `limit` that is less than before; `endless` stand for no limit at all."""

    def turn(before: Canonical | None, after: Canonical) -> bool:
        number = _number(after, endless)
        return number < limit and (before is None or number < _number(before, endless))

    return turn


def above(limit: float, *endless: int) -> Turn:
    """To a number over `limit` that is more than before; `endless` stand for more than any."""

    def turn(before: Canonical | None, after: Canonical) -> bool:
        number = _number(after, endless)
        return number > limit and (before is None or number > _number(before, endless))

    return turn


def shorter(*endless: int) -> Turn:
    """To less, whatever it is."""
    return below(inf, *endless)


def longer(*endless: int) -> Turn:
    """To more, whatever it is."""
    return above(-inf, *endless)


def added(before: Canonical | None, after: Canonical) -> bool:
    """A list that gets items."""
    return bool(set(_items(after)) - set(_items(before)))


def removed(before: Canonical | None, after: Canonical) -> bool:
    """A list that loses items, or something that was on and is off."""
    if after == "off" or before == "on":
        return after == "off" and before != "off"
    return bool(set(_items(before)) - set(_items(after)))


def other_items(before: Canonical | None, after: Canonical) -> bool:
    """A list that has other items, in whatever order."""
    return before is None or set(_items(before)) != set(_items(after))


def other_zone(before: Canonical | None, after: Canonical) -> bool:
    """To a time zone that is not the former one by another name; of those, only the names of UTC are known here."""
    return _zone(before) != _zone(after)


def tells_less(before: Canonical | None, after: Canonical) -> bool:
    """To a log_line_prefix without something that tells who did what, and when, and which the former one had."""
    return bool(_told_by(before) - _told_by(after))


def bits_added(before: Canonical | None, after: Canonical) -> bool:
    """Permissions for more than before."""
    return isinstance(after, int) and bool(after & ~(before if isinstance(before, int) else 0))


def bits_removed(before: Canonical | None, after: Canonical) -> bool:
    """Permissions for fewer than before."""
    return isinstance(after, int) and isinstance(before, int) and bool(before & ~after)


def schemas_before_others(before: Canonical | None, after: Canonical) -> bool:
    """A search_path that finds something first, or at all, that it did not: what stays has to be as it stood."""
    left = iter(_path(before))
    return not all(schema in left for schema in _path(after))


def listens_wider(before: Canonical | None, after: Canonical) -> bool:
    """More addresses than before that other machines may come by."""
    there = _items(before)
    return any(not _is_loopback(item) and not _is_covered(item, there) for item in _items(after))


def listens_less(before: Canonical | None, after: Canonical) -> bool:
    """Without an address that it listened on."""
    coming = _items(after)
    return not all(_is_covered(item, coming) for item in _items(before))


def weaker_ciphers(before: Canonical | None, after: Canonical) -> bool:
    """Suites that nobody should use, and that were not taken before."""
    there = ciphers.weak(before) if isinstance(before, str) else frozenset()
    return isinstance(after, str) and bool(ciphers.weak(after) - there)


def _number(value: Canonical | None, endless: tuple[int, ...]) -> float:
    return inf if value in endless or not isinstance(value, int | float) else value


_UTC = frozenset(
    {"utc", "etc/utc", "gmt", "etc/gmt", "uct", "etc/uct", "universal", "etc/universal", "zulu", "etc/zulu"}
)


def _zone(value: Canonical | None) -> Canonical | None:
    folded = value.lower() if isinstance(value, str) else value
    return "utc" if folded in _UTC else folded


_ESCAPE = re.compile(r"%-?\d*(.)")
_TOLD = {
    **dict.fromkeys("tmn", "when"),
    **dict.fromkeys("pc", "which process"),
    **dict.fromkeys("rh", "from where"),
    "u": "who",
    "d": "in which database",
}
"""Escapes of log_line_prefix, of which several tell the same."""


def _told_by(prefix: Canonical | None) -> frozenset[str]:
    letters = _ESCAPE.findall(prefix) if isinstance(prefix, str) else []
    return frozenset(_TOLD[letter] for letter in letters if letter in _TOLD)


def _items(value: Canonical | None) -> tuple[str, ...]:
    """Of a text its whole, of nothing none."""
    if isinstance(value, str):
        return (value,) if value else ()
    return value if isinstance(value, tuple) else ()


def _path(value: Canonical | None) -> tuple[str, ...]:
    """The schemas in the order in which they count: pg_catalog comes first where it is not named."""
    items = _items(value)
    return items if "pg_catalog" in items else ("pg_catalog", *items)


def _is_covered(item: str, addresses: tuple[str, ...]) -> bool:
    """Whether a server that listens on `addresses` listens on `item`; localhost is taken for an address of IPv4."""
    if item in addresses or "*" in addresses:
        return True
    return (_ALL_OF_IPV6 if ":" in item else _ALL_OF_IPV4) in addresses and item != "*"


def _is_loopback(item: str) -> bool:
    try:
        return ip_address(item).is_loopback
    except ValueError:
        return item == "localhost"
