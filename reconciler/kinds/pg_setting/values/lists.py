"""Settings that are lists, and how the server takes them apart.

To SET, PostgreSQL knows two sorts. The quoted ones (GUC_LIST_QUOTE) take one literal an item, each quoted by the
server as an identifier when it is stored: `= 'a,b'` is one item of the name `a,b`. The plain ones are one string that
the setting itself splits at commas. Both tables were read off live servers, 13 to 18, by `alter system set x = 'a b',
'c'`. One differs: unix_socket_directories is plain on 13, which therefore refuses several items.
"""

from __future__ import annotations

from collections.abc import Sequence

QUOTED = frozenset(
    {
        "local_preload_libraries",
        "oauth_validator_libraries",
        "output_plugin_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)

PLAIN = frozenset(
    {
        "createrole_self_grant",
        "datestyle",
        "debug_io_direct",
        "listen_addresses",
        "log_connections",
        "log_destination",
        "restrict_nonsystem_relation_kind",
        "synchronized_standby_slots",
        "wal_consistency_checking",
    }
)
"""Items here are identifiers that are folded to lower case. Not here: synchronous_standby_names, whose text has a
grammar of its own."""

MAY_BE_EMPTY = frozenset({"search_path", "temp_tablespaces"})
"""Quoted lists that can be set to nothing. The others would store `""`, one item without a name, with which the server
does not start: there an empty list can only be had by RESET."""

PRELOADED = frozenset({"local_preload_libraries", "session_preload_libraries", "shared_preload_libraries"})

_FOLDED = PLAIN | {"search_path", "temp_tablespaces"}
_SPACE = " \t\n\v\f\r"


def is_quoted(name: str) -> bool:
    """Whether items are literals of their own in SET.

    No server tells. Extensions may not define such a setting; each of PostgreSQL's own that is a list of libraries is
    one, also those that a minor release brought (output_plugin_libraries), and so a name that says so is believed.
    """
    return name in QUOTED or (name.endswith("_libraries") and "." not in name)


def is_list(name: str) -> bool:
    """Whether items can be named, included and excluded."""
    return is_quoted(name) or name in PLAIN


def split(name: str, text: str) -> tuple[str, ...]:
    """The items of the list setting `name` in `text`, as the server reads them.

    Empty items do not count in a quoted list, which is spelled anew when it is set; in a plain one, whose text is set
    as it stands, the server takes none. Raises ValueError, whose text explains.
    """
    items: list[str] = []
    position, end = 0, len(text)
    while True:
        while position < end and text[position] in _SPACE:
            position += 1
        if position < end and text[position] == '"':
            item, position = _quoted(text, position + 1)
            if name == "listen_addresses" and not item:
                item = "*"  # which an empty name means, too: getaddrinfo(3) is given no name
        else:
            comma = text.find(",", position)
            stop = end if comma < 0 else comma
            item = text[position:stop].strip(_SPACE)
            position = stop
            if name in PLAIN and len(item.split()) > 1:
                raise ValueError(f"between {item.split()[0]} and {item.split()[1]} a comma is wanted")
            if name in PLAIN and not item and text.strip(_SPACE):
                raise ValueError("an item is missing beside a comma")
            if name in _FOLDED:
                item = item.lower()
        items.append(item)
        while position < end and text[position] in _SPACE:
            position += 1
        if position >= end:
            return tuple(item for item in items if item)
        if text[position] != ",":
            raise ValueError("after a quoted item a comma is wanted")
        position += 1


def literals(name: str, items: Sequence[str]) -> tuple[str, ...]:
    """What stands after `=` in SET for these items, one element a literal; empty where only RESET will do."""
    if is_quoted(name):
        return tuple(items) or (("",) if name in MAY_BE_EMPTY else ())
    return (", ".join(items),)


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The item that begins behind a double quote at `start`, and the position behind its closing one."""
    item, position = "", start
    while (close := text.find('"', position)) >= 0:
        item += text[position:close]
        if text[close + 1 : close + 2] != '"':
            return item, close + 1
        item += '"'
        position = close + 2
    raise ValueError("a double quote is not closed")
