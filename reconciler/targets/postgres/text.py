"""Text that is not what its database says: a name of bytes that are no UTF-8, or a character that UTF-8 does not have.

A SQL_ASCII database takes any bytes for a name, and roles and their settings are shared by all databases of a server,
whatever their encodings. One such name would end every query that comes across it: the server refuses to convert it,
or the driver to read it. Then the answer is taken as it is stored, and what is no text in it stands as ESCAPES
(see unnamed).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader

from reconciler.targets.undecodable_names import ESCAPED, ESCAPES

C = TypeVar("C", bound=psycopg.Connection[Any])

_OWN = re.compile(rb"(\xf4\x8f[\xbe\xbf][\x80-\xbf])")
_A_BYTE = re.compile(r"\b0x[0-9a-f]{2}\b")
_HANDLER = "reconciler.escapes"

_REFUSED = {"22021", "22P05"}
"""character_not_in_repertoire, untranslatable_character."""

_TEXTS = (0, "text", "varchar", "bpchar", "name", '"char"')
_UTF8 = {"UTF8", "SQL_ASCII"}


def is_of_encoding(error: Exception) -> bool:
    """Whether a query failed for nothing but the encoding of what it found."""
    return isinstance(error, UnicodeDecodeError) or (isinstance(error, psycopg.Error) and error.sqlstate in _REFUSED)


def connected(connect: Callable[..., C], url: str, **options: Any) -> C:
    """As `connect`, also where a setting of the role or the database holds what cannot be converted: the server
    tells some of them (search_path, from 18 on) as soon as it is connected to, and then ends the session.

    Such a session takes everything as it is stored, from its beginning to its end: where the setting came back while
    client_encoding was another, at the end of a transaction, 18 tried to tell it for ever (seen on 18.6).
    """
    try:
        return connect(url, **options)
    except psycopg.OperationalError as error:
        # Before there is a session, an error has no SQLSTATE; but these name a byte, in whatever language. To try once
        # more for another reason does no harm.
        if "client_encoding" not in options or not _A_BYTE.search(str(error)):
            raise
    connection = connect(url, **{**options, "client_encoding": "sql_ascii"})
    take_verbatim(connection)
    return connection


def is_verbatim(connection: psycopg.Connection[Any]) -> bool:
    """Whether `connected` could only be so."""
    return connection.info.parameter_status("client_encoding") == "SQL_ASCII"


def take_verbatim(connection: psycopg.Connection[Any]) -> None:
    """From now on, answers that come while client_encoding is SQL_ASCII are read as they are stored."""
    encoding = connection.info.parameter_status("server_encoding") or "SQL_ASCII"
    codec = "utf-8" if encoding in _UTF8 else _codec(encoding)

    class Text(Loader):
        """Reads what is stored."""

        def load(self, data: Buffer) -> str:
            return _read(bytes(data), codec)

    class Json(Loader):
        """Reads JSON of what is stored."""

        def load(self, data: Buffer) -> Any:
            return json.loads(_read(bytes(data), codec))

    class Written(Dumper):
        """Writes text as it is stored."""

        def dump(self, obj: str) -> bytes:
            return _written(obj, codec, bytes_as_well=encoding != "UTF8")

    for name in _TEXTS:
        connection.adapters.register_loader(name, Text)
    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, Json)
    connection.adapters.register_dumper(str, Written)


def _codec(encoding: str) -> str:
    """Python's for one of PostgreSQL's; ASCII alone where it has none (EUC_TW, MULE_INTERNAL)."""
    name = re.sub(r"^WIN(\d)", r"cp\1", re.sub(r"^KOI8([RU])$", r"koi8-\1", encoding))
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "ascii"


def _read(data: bytes, codec: str) -> str:
    if codec != "utf-8":
        return data.decode(codec, _HANDLER)
    return "".join(
        "".join(map(_escape, part)) if number % 2 else part.decode(codec, _HANDLER)
        for number, part in enumerate(_OWN.split(data))
    )


def _written(text: str, codec: str, *, bytes_as_well: bool) -> bytes:
    if not bytes_as_well:
        return text.encode(codec)
    return b"".join(
        bytes([ord(part) - ESCAPES.start + 0x80]) if number % 2 else part.encode(codec)
        for number, part in enumerate(ESCAPED.split(text))
    )


def _escape(byte: int) -> str:
    return chr(ESCAPES.start + byte - 0x80) if byte >= 0x80 else chr(byte)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(map(_escape, error.object[error.start : error.end])), error.end


codecs.register_error(_HANDLER, _escapes)
