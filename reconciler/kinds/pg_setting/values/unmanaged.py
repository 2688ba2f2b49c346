"""Settings that an import leaves out: what whoever installs a server decides, and nobody tunes.

Written down, they would be the same on a replica, a staging and the next machine, where they have to be others, and a
wrong one keeps the server down or out of reach. They can be declared all the same.

Decided: docs/decisions.md#settings-of-one-machine
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Why(StrEnum):
    """Why nobody manages a setting as code."""

    REACHED = "where this server is reached; another one has another place"
    PLACES = "where this machine has its files"
    LOCALE = "chosen by initdb after the locale of its machine"
    PLATFORM = "chosen by initdb for its platform"


UNMANAGED: Mapping[str, Why] = {
    "bonjour": Why.REACHED,
    "bonjour_name": Why.REACHED,
    "config_file": Why.PLACES,
    "data_directory": Why.PLACES,
    "default_text_search_config": Why.LOCALE,
    "dynamic_shared_memory_type": Why.PLATFORM,
    "external_pid_file": Why.PLACES,
    "hba_file": Why.PLACES,
    "ident_file": Why.PLACES,
    "lc_messages": Why.LOCALE,
    "lc_monetary": Why.LOCALE,
    "lc_numeric": Why.LOCALE,
    "lc_time": Why.LOCALE,
    "listen_addresses": Why.REACHED,
    "port": Why.REACHED,
    "shared_memory_type": Why.PLATFORM,
    "unix_socket_directories": Why.REACHED,
    "unix_socket_group": Why.REACHED,
    "unix_socket_permissions": Why.REACHED,
}
"""By name. initdb writes those of LOCALE and dynamic_shared_memory_type (initdb.c, setup_config); packages of Debian
the files and the port."""


def reason(name: str) -> str:
    """Why an import leaves a setting out; empty where it does not."""
    return UNMANAGED.get(name.lower(), "")
