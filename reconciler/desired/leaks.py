"""The secrets that the YAML leads to, and whether a text holds one.

Whoever reads a plan or a comment on a server would read it: a value that holds a known secret is refused wherever it
stands. Known is what is the password in the URL of a target, and what a variable holds that is named as a secret.

Decided: docs/decisions.md#literal-passwords
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.desired.variables import REFERENCE, names, shortened
from reconciler.errors import ReconcilerError
from reconciler.model import SecretRef
from reconciler.secrets import SHORTEST_REDACTED, Secrets
from reconciler.yaml.node import Node

LONG_ENOUGH = 12
"""Characters of a secret that is looked for in any text. One of 6 and more is, if it has letters and other signs.

A shorter one, or a mere word, may be a name as well: the password `app` must not refuse every table `app`. It is only
refused where it comes in by the very variable that holds it.
"""

SHORT = 6

READ_BY_DRIVER = "PGPASSWORD"
"""The password that PostgreSQL's driver takes by itself where a URL has none."""

_PASSWORDS = frozenset({"password", "sslpassword"})
"""Options of a URL that are meant to hold one."""

_PARAMETER = re.compile(r"(?:password|sslpassword)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s'&]+))", re.IGNORECASE)
"""Passwords of a connection string that is no URL."""

_CONNINFO = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")
"""Options of such a string, and what is written behind them."""

_DECODED = 3
"""How often a text is percent-decoded: what is encoded twice can still be read by people who try."""


NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


class Leaks:
    """What must not come into any text. `variables` are those that the YAML itself uses for a secret."""

    def __init__(self, env: Mapping[str, str], secrets: Secrets) -> None:
        self._env = env
        self._secrets = secrets
        self._all: set[str] = set()
        self._telling = _Telling()
        self._telling_in_lower_case = _Telling()
        self.variables: set[str] = set()
        self.learn_variable(READ_BY_DRIVER)

    def learn_url(self, template: str, columns: Mapping[str, str] = NO_COLUMNS) -> set[str]:
        """Takes note of the password in a URL as it is written, and of its variables that hold it. Of `columns`, which
        fill it in as well, those that hold it are returned."""
        env = {**self._env, **columns} if columns else self._env
        url = shortened(template, env)
        found = set(_passwords(url))
        used = set(names(template))
        inside = {name for written in _passwords(template) for name in names(written)}
        found |= {env.get(name, "") for name in inside} - {""}
        for secret in found:
            self._learn(secret)
        holding = set()
        for name in used:
            value = env.get(name, "")
            own = set(_passwords(value))
            if name in inside or own or any(_in(secret, value) for secret in found):
                holding.add(name)
            for secret in own:
                self._learn(secret)
        self.variables |= holding - columns.keys()
        return holding & columns.keys()

    def learn_variable(self, name: str) -> None:
        """Takes note of a variable that is named as a secret."""
        self.variables.add(name)
        self._learn(self._env.get(name, ""))

    def learn_references(self, node: Node, others: Sequence[Node] = ()) -> None:
        """Takes note of all variables and files that a document names as secrets: `{env: NAME}`, `{file: PATH}`. Not
        of what `others` in it hold, which mean something else by it."""
        waiting = [] if _NAMING.isdisjoint(node.texts()) else [node]
        while waiting:
            here = waiting.pop()
            value = here.value
            if isinstance(value, dict):
                if any(here is each for each in others):
                    continue
                if (name := named_secret(value)) is not None:
                    self.learn_variable(name)
                if (path := _named_file(value)) is not None:
                    with suppress(ReconcilerError, OSError):  # one that cannot be read is missed by whoever needs it
                        self._learn(self._secrets.resolve(SecretRef(file=path)))
                waiting += [child for child in value.values() if not isinstance(child.value, str)]
            elif isinstance(value, list):
                waiting += [child for child in value if not isinstance(child.value, str)]

    def held_by_variable(self, name: str) -> bool:
        """Whether a variable is, or holds, a secret; a URL with any password in it does, whether it is known or not."""
        value = self._env.get(name, "")
        return (
            name in self.variables
            or bool(_passwords(value))
            or (len(value) >= SHORTEST_REDACTED and value in self._all)
        )

    def held_by(self, text: str) -> bool:
        """Whether a text holds a secret, plain or percent-encoded."""
        return self._telling.held_by(text) or ("%" in text and any(map(self._telling.held_by, _forms(text))))

    def shown_by_url(self, url: str) -> bool:
        """Whether a URL holds a secret where plans and servers show it: as a host, a user, a database, a client."""
        if "://" not in url:  # libpq's `host=… password=…`
            shown = [value.strip("'") for name, value in _CONNINFO.findall(url) if name not in _PASSWORDS]
            return any(map(self.held_by, shown))
        try:
            parts = urlsplit(url)
            host = parts.netloc.rpartition("@")[2]
            shown = [host, parts.username or "", parts.path, parts.fragment]
        except ValueError:
            return False
        shown += [value for name, value in parse_qsl(parts.query) if name not in _PASSWORDS]
        # A host is looked up in lower case, and so it would be told to whoever answers for its domain.
        lowered = host.lower()
        return any(map(self.held_by, shown)) or self._telling_in_lower_case.held_by(lowered)

    def _learn(self, secret: str) -> None:
        self._secrets.remember(secret)
        self._all.add(secret)
        if is_telling(secret):
            self._telling.add(secret)
            self._telling_in_lower_case.add(secret.lower())


class _Telling:
    """Secrets that are looked for in any text, by their first SHORT letters.

    A fleet has a password for each target, and as many texts: none may be held against all of them."""

    def __init__(self) -> None:
        self._all: set[str] = set()
        self._by_beginning: dict[str, set[str]] = {}

    def add(self, secret: str) -> None:
        self._all.add(secret)
        self._by_beginning.setdefault(secret[:SHORT], set()).add(secret)

    def held_by(self, text: str) -> bool:
        """Whether one of them is in `text`."""
        if len(self._all) <= len(text):  # once a text of all YAML: no generator for it
            for secret in self._all:
                if secret in text:
                    return True
        else:
            for place in range(len(text) - SHORT + 1):
                for secret in self._by_beginning.get(text[place : place + SHORT], ()):
                    if text.startswith(secret, place):
                        return True
        return False


_NAMING = frozenset({"env", "file"})
"""The keys of references to secrets."""


def named_secret(value: Mapping[str, Node]) -> str | None:
    """NAME of `{env: NAME}`; None for any other mapping."""
    found = value["env"].value if len(value) == 1 and "env" in value else None
    return found if isinstance(found, str) else None


def _named_file(value: Mapping[str, Node]) -> str | None:
    """PATH of `{file: PATH}`; None for any other mapping."""
    found = value["file"].value if len(value) == 1 and "file" in value else None
    return found if isinstance(found, str) else None


def is_telling(secret: str) -> bool:
    """Whether a secret is unlike a name, so that it can be looked for in any text; see LONG_ENOUGH."""
    mixed = any(sign.isalpha() for sign in secret) and not secret.isalpha()
    return len(secret) >= LONG_ENOUGH or (len(secret) >= SHORT and mixed)


def _in(secret: str, value: str) -> bool:
    """Whether a variable is a secret, or a long enough one is a part of it."""
    return secret == value or (len(secret) >= SHORTEST_REDACTED and any(secret in form for form in _forms(value)))


def _forms(text: str) -> Iterator[str]:
    yield text
    for _ in range(_DECODED if "%" in text else 0):
        text = unquote(text)
        yield text


def _passwords(url: str) -> Iterable[str]:
    """Every password in a URL or a connection string, decoded and as it is written."""
    found: list[str] = [plain or quoted for quoted, plain in _PARAMETER.findall(url)]
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return found
    if parts.scheme and parts.password:
        found += [parts.password]
    found += [value for name, value in parse_qsl(parts.query) if name in _PASSWORDS]
    return {form for each in found for form in _forms(each) if form}


def only_variable(template: str) -> bool:
    """Whether a URL is one variable and nothing else: then whoever runs this has written it."""
    found = REFERENCE.fullmatch(template.strip())
    return found is not None and found["name"] is not None and found["default"] is None
