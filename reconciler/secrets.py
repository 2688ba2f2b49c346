"""Secrets: looked up at the moment of use, remembered only so that they can be kept out of everything we print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from reconciler.errors import DesiredError
from reconciler.model import SENSITIVE, SecretRef

SHORTEST_REDACTED = 4
"""A shorter secret is not searched for in texts: replacing every "a" would destroy an error, and hide nothing."""


class Secrets:
    """Resolves references, and blots their values out of texts.

    One instance a run, made by the command line and handed down. `env` is the process environment.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._known: set[str] = set()

    def resolve(self, ref: SecretRef) -> str:
        """The value behind `ref`. A file's last line break does not count.

        Raises DesiredError where the variable is not set, or the file cannot be read, or either is empty.
        """
        if ref.env is not None:
            value = self._env.get(ref.env, "")
            if not value:
                raise DesiredError(
                    f"the secret {ref} is not set" if ref.env not in self._env else f"the secret {ref} is empty",
                    hint=f"export {ref.env}=… in the environment that runs reconciler",
                )
        else:
            path = Path(ref.file or "")
            try:
                value = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise DesiredError(f"the secret in {ref} cannot be read: {reason}") from None
            if not value:
                raise DesiredError(f"the secret in {ref} is empty")
        self.remember(value)
        return value

    def remember(self, value: str) -> None:
        """Take note of a secret that came from elsewhere (a URL, a server), so that `redact` knows it."""
        if len(value) >= SHORTEST_REDACTED:
            self._known.update({value, quote(value, safe="")})

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
