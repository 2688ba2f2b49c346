"""The map of addresses of a target: where a node is to be reached that announces another one."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from reconciler.yaml.verbatim_text import Text

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
"""A host, an IPv6 address in brackets, and a port."""

FORM = 'expected addresses like {"10.0.0.1:6379": "localhost:7001"}, or of hosts alone {"10.0.0.1": "localhost"}'


def _checked(addresses: dict[str, str]) -> dict[str, str]:
    for announced, reached in addresses.items():
        found = [_ADDRESS.fullmatch(each) for each in (announced, reached)]
        if not all(found) or len({each["port"] is None for each in found if each}) != 1:
            raise ValueError(FORM)
    return addresses


Addresses = Annotated[dict[str, Text], AfterValidator(_checked)]
