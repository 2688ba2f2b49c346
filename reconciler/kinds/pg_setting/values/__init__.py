"""What a value means: the canonical form in which two spellings of one value are equal.

Integers and reals are multiples of the setting's own unit (a real has the six digits that the server shows), booleans
and enums the name that the server shows, lists tuples of items, everything else the text itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.booleans import parse_bool
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.values import forms, lists, names, units
from reconciler.kinds.pg_setting.values.units import InvalidValue

Canonical = int | float | str | tuple[str, ...]

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")

_HIDDEN: Mapping[str, Mapping[str, str]] = {
    "wal_level": {"archive": "replica", "hot_standby": "replica"},
    "wal_compression": {"on": "pglz", "true": "pglz", "yes": "pglz", "1": "pglz"},
}
"""Enum names that `enumvals` does not list, or that the server shows by another name, beside those of `_aliases`."""

_LOG_CONNECTIONS = {
    **dict.fromkeys(("on", *_TRUE), ("receipt", "authentication", "authorization")),
    **dict.fromkeys(("off", *_FALSE), ()),
    "all": ("receipt", "authentication", "authorization", "setup_durations"),
}
"""Names for several aspects at once (18, where it became a list)."""


def canonical(definition: Definition, text: str) -> Canonical:
    """The meaning of `text` for the setting. Raises InvalidValue where the server would refuse it."""
    match definition.vartype:
        case "bool":
            return boolean(definition.name, text)
        case "enum":
            return _enum(definition, text)
        case "integer" | "real":
            return _number(definition, text)
        case _:
            return _string(definition, _as_name(definition, text) if definition.ascii_by else text)


def read(definition: Definition, text: str | None) -> Canonical | None:
    """As `canonical`, for what the server itself said; None where it is nothing that the setting could hold."""
    if text is None:
        return None
    try:
        return canonical(definition, text)
    except InvalidValue:
        return None


def shown(definition: Definition, value: Canonical) -> str:
    """`value` for people, as SHOW prints it."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, str):
        return value
    if definition.name in _OCTAL and isinstance(value, int):
        return f"{value:04o}"
    return units.shown(value, definition.unit)


_OCTAL = frozenset({"data_directory_mode", "log_file_mode", "unix_socket_permissions"})
"""Permissions of files: the server shows these integers in octal."""


def boolean(name: str, text: str) -> str:
    """On or off. Raises InvalidValue."""
    found = parse_bool(text)
    if found is not None:
        return "on" if found else "off"
    raise InvalidValue("; ".join(["it is on or off", *filter(None, [names.RETYPED.get(name)])]))


def _enum(definition: Definition, text: str) -> str:
    word = text.lower()
    word = _HIDDEN.get(definition.name, {}).get(word) or _aliases(definition.enumvals).get(word, word)
    for name in definition.enumvals:
        if name.lower() == word:
            return name
    if word == "info" and "debug2" in definition.enumvals:
        return word
    raise InvalidValue(f"it is one of {', '.join(name if name else repr(name) for name in definition.enumvals)}")


def _aliases(names: tuple[str, ...]) -> Mapping[str, str]:
    """Names that the server takes and does not list. All seen on 15 and 18, by trying them on every enum."""
    if {"on", "off"} <= set(names):
        return {**dict.fromkeys(_TRUE, "on"), **dict.fromkeys(_FALSE, "off")}
    return {"debug": "debug2"} if "debug2" in names else {}


def _number(definition: Definition, text: str) -> int | float:
    value: int | float
    if definition.vartype == "integer":
        value = _raised(definition, units.integer(text, definition.unit))
    else:
        value = units.real(text, definition.unit)
    kind = type(value)
    low, high = (None if edge is None else kind(edge) for edge in (definition.min_val, definition.max_val))
    if (low is not None and value < low) or (high is not None and value > high):
        edges = " to ".join(units.shown(edge, definition.unit) for edge in (low, high) if edge is not None)
        raise InvalidValue(f"it may be {edges}")
    if isinstance(value, int):
        forms.number(definition.name, value)
    return value if isinstance(value, int) else float(f"{value:g}")


def _raised(definition: Definition, value: int) -> int:
    """What the server makes of a value that it finds too small, without a word."""
    match definition.name:
        case "wal_buffers" if 0 <= value < 4:
            return 4
        case "autovacuum_work_mem" if 0 <= value < definition.raised_to:
            return definition.raised_to
        case _:
            return value


NAMES = frozenset({"application_name", "cluster_name"})
"""Texts that the server cuts off (GUC_IS_NAME), and makes ASCII of (pg_clean_ascii)."""

_LONGEST_NAME = 63
"""Bytes: NAMEDATALEN without its end."""


def _as_name(definition: Definition, text: str) -> str:
    if text.isascii() and "\\x" in text:
        return text  # what the server has made of one is longer, and stays as it is
    cut = text.encode()[:_LONGEST_NAME].decode(errors="ignore").encode()
    other = (lambda byte: "?") if definition.ascii_by == "?" else "\\x{:02x}".format
    return "".join(chr(byte) if 32 <= byte <= 126 else other(byte) for byte in cut)


def _string(definition: Definition, text: str) -> str | tuple[str, ...]:
    name = definition.name
    if not lists.is_list(name):
        forms.text(name, text)
        return text
    try:
        items = lists.split(name, text)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    if name == "log_connections" and len(items) <= 1:
        items = _LOG_CONNECTIONS.get("".join(items) or "off", items)
    forms.items(name, items, definition.enumvals)
    return items
