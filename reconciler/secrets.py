"""Secrets: looked up at the moment of use, remembered only so that they can be kept out of everything we print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

from reconciler.allow_lists import Reach, Use
from reconciler.errors import DesiredError
from reconciler.model import SENSITIVE, Resource, SecretRef
from reconciler.untrusted_files import NotReadable, read_regular

SHORTEST_REDACTED = 4
"""A shorter secret is not searched for in texts: replacing every "a" would destroy an error, and hide nothing."""

SHORTEST_LINE = 12
"""Characters of a line of a longer secret that is looked for by itself: no line of a key is shorter, and many a line of
a file with other things in it is."""

LARGEST_FILE = 1 << 20
"""Bytes of the file of a secret: a certificate with its chain has some thousands."""


WRITE_THE_FILE = "write the secret to that file, readable to whoever runs reconciler, or declare another: {file: PATH}"


class SecretText(str):
    """Text that is a secret, on its way to a server: the log shows that it was sent, and nothing of it."""


class Secrets:
    """Resolves references, and blots their values out of texts.

    One instance a run, made by the command line and handed down. `env` is the process environment, `reach` what of it,
    and of all else, the YAML may lead to.
    """

    def __init__(self, env: Mapping[str, str], reach: Reach | None = None) -> None:
        self.reach = reach or Reach()
        self._env = env
        self._known: set[str] = set()
        for name, uses in (self.reach.variables or {}).items():
            if Use.TEXT not in uses and name in env:
                self.remember(env[name])
                self.remember_url(env[name])

    def resolve(self, ref: SecretRef, declared: Resource | None = None) -> str:
        """The value behind `ref`, which is `declared` there. A file's last line break does not count.

        Raises DesiredError, with the place and the address of what is `declared`, where the variable is not set, or the
        file cannot be read, or either is empty, or whoever runs this does not let the YAML reach it.
        """
        try:
            value = self._looked_up(ref)
        except DesiredError as error:
            if declared is None:
                raise
            said = f"{declared.address}: {error.message}"
            raise DesiredError(said, at=declared.declared_at, hint=error.hint) from None
        self.remember(value)
        return value

    def unresolved(self, references: Iterable[SecretRef]) -> Mapping[SecretRef, DesiredError]:
        """Those of `references` that `resolve` would raise for, and with what. No value is kept."""
        found: dict[SecretRef, DesiredError] = {}
        for reference in dict.fromkeys(references):
            try:
                self._looked_up(reference)
            except DesiredError as error:
                found[reference] = error
        return found

    def _looked_up(self, ref: SecretRef) -> str:
        return self._of_variable(ref, ref.env) if ref.env is not None else self._of_file(ref, Path(ref.file or ""))

    def _of_variable(self, ref: SecretRef, name: str) -> str:
        if not self.reach.allows(name, Use.SECRET):
            raise DesiredError(
                f"the variable {name} may not be used for a secret",
                hint=f"whoever runs this decides it: --variables {name}:{Use.SECRET}",
            )
        value = self._env.get(name, "")
        if not value:
            raise DesiredError(
                f"the secret {ref} is not set" if name not in self._env else f"the secret {ref} is empty",
                hint=f"export {name}=… in the environment that runs reconciler",
            )
        return value

    def _of_file(self, ref: SecretRef, path: Path) -> str:
        try:
            content = read_regular(path, LARGEST_FILE, below=self.reach.files_below)
            value = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except (NotReadable, FileNotFoundError, UnicodeDecodeError) as error:
            reasons = {FileNotFoundError: "there is no such file", UnicodeDecodeError: "it is not UTF-8 text"}
            reason = reasons.get(type(error)) or f"it {error}"
            raise DesiredError(f"the secret in {ref} cannot be read: {reason}", hint=WRITE_THE_FILE) from None
        if not value:
            raise DesiredError(f"the secret in {ref} is empty", hint=WRITE_THE_FILE)
        return value

    def remember(self, value: str) -> None:
        """Take note of a secret that came from elsewhere (a URL, a server), so that `redact` knows it."""
        if len(value) >= SHORTEST_REDACTED:
            self._known.update(_spellings(value))

    def remember_url(self, url: str) -> None:
        """Take note of the password inside a connection URL, in both of its spellings."""
        try:
            password = urlsplit(url).password
        except ValueError:
            password = None
        if password:
            self.remember(unquote(password))
            self.remember(password)

    def redact(self, text: str) -> str:
        """`text` with every known secret replaced by (sensitive)."""
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, SENSITIVE)
        return text


def _spellings(value: str) -> set[str]:
    """A secret as URLs, JSON and the messages of libraries show it: those quote what they refuse, line breaks escaped,
    and others are put on one line. Of several lines each may be shown without the others."""
    lines = {line for line in value.splitlines() if len(line.strip()) >= SHORTEST_LINE}
    forms = {value, " ".join(value.split()), *lines, *(line.strip() for line in lines)}
    for form in (value, *lines):
        data = form.encode("utf-8", "surrogatepass")
        forms |= {quote(data, safe=""), quote_plus(data), repr(form)[1:-1], repr(data)[2:-1], json.dumps(form)[1:-1]}
        forms.add(json.dumps(form, ensure_ascii=False)[1:-1])
    return {form for form in forms if len(form) >= SHORTEST_REDACTED}
