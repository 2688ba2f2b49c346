"""Which libraries a library needs: as much of ELF (elf(5)) as that takes, for 64 bits and little end first."""

from __future__ import annotations

import struct
from typing import NamedTuple

_DYNAMIC = 2
_LOAD = 1
_NEEDED, _STRTAB, _RPATH, _RUNPATH = 1, 5, 15, 29


class Needs(NamedTuple):
    """Names of other libraries, and folders in which they are looked for first ($ORIGIN is the library's own)."""

    names: tuple[str, ...]
    folders: tuple[str, ...]


def needs(content: bytes) -> Needs | None:
    """What the library with this `content` needs; None where that cannot be read."""
    if content[:6] != b"\x7fELF\x02\x01":
        return None
    try:
        return _needs(content)
    except (struct.error, StopIteration, ValueError):
        return None


def _needs(content: bytes) -> Needs:
    (start,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    # Of each segment: type, flags, offset in the file, address, (physical address), length in the file.
    segments = [struct.unpack_from("<IIQQQQ", content, start + number * size) for number in range(count)]
    offset, length = next((segment[2], segment[5]) for segment in segments if segment[0] == _DYNAMIC)
    entries = list(struct.iter_unpack("<qQ", content[offset : offset + length // 16 * 16]))
    address = next(value for tag, value in entries if tag == _STRTAB)
    strings = next(
        segment[2] + address - segment[3]
        for segment in segments
        if segment[0] == _LOAD and segment[3] <= address < segment[3] + segment[5]
    )

    def text(value: int) -> str:
        begin = strings + value
        return content[begin : content.index(b"\0", begin)].decode()

    names = tuple(text(value) for tag, value in entries if tag == _NEEDED)
    folders = [folder for tag, value in entries if tag in (_RPATH, _RUNPATH) for folder in text(value).split(":")]
    return Needs(names, tuple(folders))
