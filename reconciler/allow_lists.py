"""What whoever runs the tool lets the YAML reach: variables, files, hosts, targets, types of checks.

Decided by the command line and its environment alone, never by the YAML: its author may be trusted less than the
runner. Made once, and carried by `Secrets` to wherever something is looked up, opened or connected to.

Decided: docs/decisions.md#reach-travels-with-the-secrets, docs/decisions.md#hosts-and-networks
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from reconciler.errors import ConnectionFailed
from reconciler.untrusted_files import repository

T = TypeVar("T")

NAMES = ("targets", "variables", "files_below", "hosts", "without")
"""Of the fields of `Reach`, in the order in which they are told of."""


WEBHOOK_URL = "RECONCILER_WEBHOOK_URL"
"""The variable with an address of whoever runs this, which is a secret. No document may use it, unless it is named."""


class Use(StrEnum):
    """What a variable may be used for. TEXT is any other place of the YAML: a comment, a setting, a header."""

    URL = "url"
    SECRET = "secret"
    TEXT = "text"


ANY_USE = frozenset(Use)

CHECKS_TO_LEAVE_OUT = ("http", "sql", "file")
"""Types of checks by which the author of the YAML asks what he likes, and reads the answer in the results."""


@dataclass(frozen=True, slots=True)
class Host:
    """An address that may be connected to: a `name` (as it is written, or an IP address), any of a `network`, or the
    Unix sockets in a `folder`. `port` None: any."""

    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    folder: Path | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Host:
        """`db1`, `db1:5432`, `10.0.0.0/8`, `[fd00::1]:6379`, `/run/postgresql`. Raises ValueError, with why."""
        text = text.strip()
        if not text:
            raise ValueError("an entry is empty")
        if text.startswith("/"):
            return cls(folder=Path(text))
        if "://" in text or "@" in text:
            raise ValueError("expected a host, and no URL")
        if "/" in text:
            return cls(network=ip_network(text))
        name, port = _split(text)
        if (text.endswith(":") and text.count(":") == 1) or text.endswith("]:"):
            raise ValueError(f"{text!r} has a colon and no port")
        if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"{port!r} is not a port")
        if "*" in name:
            raise ValueError("patterns are not known here: name each host, or a network like 10.0.0.0/8")
        return cls(name=_plain(name), port=int(port) if port else None)

    def holds(self, host: str, port: int | None) -> bool:
        """Whether this is `host`, a name or an address. Names are not looked up: who answers for them could lie."""
        if self.folder is not None:
            return host.startswith("/") and Path(os.path.realpath(host)).is_relative_to(os.path.realpath(self.folder))
        if self.port is not None and self.port != port:
            return False
        if self.network is None:
            return _plain(host) == self.name
        try:
            address = ip_address(_plain(host))
        except ValueError:
            return False
        return address in self.network


@dataclass(frozen=True, slots=True)
class Reach:
    """Each of them None: as far as this process itself.

    targets      the file that declares all targets; then no other document may.
    variables    by name, what each may be used for; others may not be used at all.
    files_below  the folders that checks and secrets read files of; None: checks those of the repository of the YAML.
    hosts        whom we connect to.
    without      the types of checks that are not run.
    """

    targets: Path | None = None
    variables: Mapping[str, frozenset[Use]] | None = None
    files_below: tuple[Path, ...] | None = None
    hosts: tuple[Host, ...] | None = None
    without: frozenset[str] = frozenset()

    @property
    def is_limited(self) -> bool:
        """Whether the author of the YAML is trusted less than whoever runs this: the YAML then says neither what runs
        here (`restart`) nor which files a driver opens (options of a URL); a targets file may."""
        return any(limit is not None for limit in (self.targets, self.variables, self.files_below, self.hosts))

    def allows(self, variable: str, use: Use) -> bool:
        """Whether documents may use the environment variable like this; of a targets file, which is trusted, all may.

        With a targets file alone no document needs one, unless it is named.
        """
        if self.variables is None:
            return self.targets is None and variable != WEBHOOK_URL
        return use in self.variables.get(variable, ())

    def refuse_host(self, target: str, host: str, port: int | str | None) -> None:
        """Raises ConnectionFailed where `host` may not be connected to. `host` is a path for a Unix socket."""
        if self.hosts is None:
            return
        number = int(port) if port and str(port).isdecimal() else None
        if any(each.holds(host, number) for each in self.hosts):
            return
        shown = f"{host}:{number}" if number and not host.startswith("/") else host
        raise ConnectionFailed(
            target,
            f"{shown or 'a host without a name'} is not among the hosts that may be connected to",
            hint="whoever runs this decides it: --hosts",
        )

    def refuse_url(self, target: str, url: str) -> None:
        """The same of the host in a URL of HTTP."""
        parts = urlsplit(url)
        self.refuse_host(target, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def variables(text: str) -> dict[str, frozenset[Use]]:
    """`A,B:url,B:secret`: what each may be used for; one without a use: anything. Raises ValueError, with why."""
    found: dict[str, frozenset[Use]] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, divider, use = entry.partition(":")
        if divider and use not in ANY_USE:
            raise ValueError(f"{entry!r}: a variable is for {', '.join(Use)}, or without a colon for all of them")
        if not name.isidentifier() or not name.isascii():
            raise ValueError(f"{name!r} is not the name of a variable")
        found[name] = found.get(name, frozenset()) | (frozenset({Use(use)}) if divider else ANY_USE)
    return found


def hosts(text: str) -> tuple[Host, ...]:
    """`a,b:5432,10.0.0.0/8`. Raises ValueError, with why."""
    return tuple(Host.parse(entry) for entry in text.split(",") if entry.strip())


def without(text: str) -> frozenset[str]:
    """`http,sql,file`: types of checks. Raises ValueError, with why."""
    found = frozenset(filter(None, map(str.strip, text.split(","))))
    if not found:
        raise ValueError(f"it is empty: name some of {', '.join(CHECKS_TO_LEAVE_OUT)}")
    unknown = sorted(found.difference(CHECKS_TO_LEAVE_OUT))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(CHECKS_TO_LEAVE_OUT)}")
    return found


class NotALimit(ValueError):
    """What was given for the field `name` of `Reach` is no such limit; the message says why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


def reach(texts: Mapping[str, str | None], desired: Path) -> Reach:
    """What was given for NAMES, None where nothing was. Raises NotALimit.

    Whoever limits anything trusts the author less: no file outside of the repository of `desired` is his, either.
    """
    targets, below = texts["targets"], texts["files_below"]
    found = Reach(
        targets=None if targets is None else _path("targets", targets, Path.is_file, "file"),
        variables=_read("variables", texts, variables),
        files_below=None
        if below is None
        else tuple(_path("files_below", each, Path.is_dir, "folder") for each in below.split(os.pathsep)),
        hosts=_read("hosts", texts, hosts),
        without=_read("without", texts, without) or frozenset(),
    )
    return replace(found, files_below=(repository(desired),)) if found.is_limited and below is None else found


def _read(name: str, texts: Mapping[str, str | None], parse: Callable[[str], T]) -> T | None:
    text = texts[name]
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise NotALimit(name, str(error)) from None


def _path(name: str, text: str, fits: Callable[[Path], bool], what: str) -> Path:
    path = Path(text)
    if not text or not fits(path):
        raise NotALimit(name, f"there is no {what} {text!r}")
    return path


def _split(text: str) -> tuple[str, str]:
    """Host and port; of an IPv6 address with a port the host is in brackets."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        if rest and not rest.startswith(":"):
            raise ValueError(f"{text!r} is not a host with a port")
        return name, rest[1:]
    if text.count(":") > 1:
        return text, ""
    name, _, port = text.partition(":")
    return name, port


def _plain(host: str) -> str:
    """A host as it is compared: in lower case, without a root's dot; an IPv4 address in IPv6 by itself."""
    name = host.strip().strip("[]").rstrip(".").lower()
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return name
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
