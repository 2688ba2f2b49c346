"""The URLs of targets: what each system takes, and where secrets may stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from reconciler.desired.leaks import Leaks
from reconciler.errors import DesiredError
from reconciler.model import System
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import alternatives

_SCHEMES: Mapping[System, tuple[str, ...]] = {
    System.POSTGRES: ("postgresql://", "postgres://"),
    System.REDIS: ("redis://", "rediss://", "unix://"),
    System.HTTP: ("http://", "https://"),
}
"""What a URL may begin with. PostgreSQL also takes `host=… dbname=…`, which has no scheme at all."""


SYSTEMS = [system.value for system in System]


URL_KEYS = frozenset({*SYSTEMS, "replicas", "checks_as", "patroni", "standbys", "sentinels"})
"""Keys that hold URLs, whose variables are only replaced where the target is asked for."""


def check_url(url: str, system: System, at: str) -> None:
    """Raises DesiredError where `url` is none of `system`'s."""
    valid = _SCHEMES[system]
    if not url or url.startswith(valid) or (system is System.POSTGRES and re.match(r"\s*\w+\s*=", url)):
        return
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    raise DesiredError(
        f"a {system.value} URL begins with {alternatives(valid)}; this one "
        + (f"begins with {found[0]}" if found else "does not"),
        at=at,
    )


def learn(documents: Iterable[Document], leaks: Leaks) -> None:
    """Takes note of every password in a URL of any target, and of every variable that holds one."""
    for _, root in documents:
        for target in targets(root):
            for text in urls(target):
                leaks.learn_url(text)


def targets(root: Node) -> Iterator[Node]:
    """The targets that a document declares, as they are written."""
    section = root.child("targets")
    yield from (section.value if section and isinstance(section.value, dict) else {}).values()


def urls(target: Node) -> Iterator[str]:
    """Every text of a target that is a URL."""
    if isinstance(target.value, dict):
        for key, child in target.value.items():
            if key in URL_KEYS:
                yield from (str(node.value) for node in texts(child))


def texts(node: Node) -> Iterator[Node]:
    """Every text in a tree."""
    if isinstance(node.value, str):
        yield node
    elif node.value is not None:
        for child in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from texts(child)
