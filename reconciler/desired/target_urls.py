"""The URLs of one target: variables and columns replaced, and nothing in them that is not for their author to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import SecretStr

from reconciler.desired.leaks import only_variable
from reconciler.desired.substituted_values import Values
from reconciler.desired.target_section import TargetSection
from reconciler.desired.urls import check_url
from reconciler.desired.variables import has_missing
from reconciler.errors import DesiredError
from reconciler.model import System
from reconciler.secrets import Secrets
from reconciler.targets.url_validation import options_of_drivers, weakened
from reconciler.yaml.node import Node
from reconciler.yaml.suggestions import alternatives


@dataclass(frozen=True, slots=True)
class UrlReader:
    """Reads the URLs of a target; what is wrong is added to the errors of `values`. The rest as in `TargetReader`."""

    values: Values
    secrets: Secrets
    offline: bool
    limited: bool

    def own(self, section: TargetSection, node: Node, file: str) -> str:
        """That of the target itself; empty where it is not needed. Raises DesiredError."""
        at = (node.child(section.system.value) or node).at(file)
        url = self._substituted(section.url, at)
        if url is None:
            return ""
        if not url and section.system is not System.HTTP:
            raise DesiredError(
                "the URL is empty",
                at=at,
                hint=f"is the {'column' if self.values.columns else 'environment variable'} empty?",
            )
        check_url(url, section.system, at)
        self._check_options(section.url, url, section.system, at)
        return url

    def _check_options(self, written: str, url: str, system: System, at: str) -> None:
        """Raises DesiredError for an option by which a driver reads files, sends settings of its own, or protects a
        connection less, unless the URL is one variable as a whole, and so not the author's."""
        if not self.limited or (only_variable(written) and not self.values.columns):
            return
        names = options_of_drivers(url, system)
        if names:
            raise DesiredError(
                f"the URL has the option {alternatives(names)}, which whoever runs this has not left to the YAML",
                at=at,
                hint="leave it out, or declare the target in the file of --targets",
            )
        weak = weakened(url, system, self.values.env)
        if weak:
            raise DesiredError(
                f"the URL asks for less protection than whoever runs this does, by {alternatives(weak)}",
                at=at,
                hint="leave it out, or declare the target in the file of --targets",
            )

    def listed(self, texts: Iterable[str], key: str, system: System, node: Node, file: str) -> tuple[SecretStr, ...]:
        """The URLs under `key`; an empty one says that there is none here."""
        entries = node.child(key)
        urls = (
            self.checked(text, system, (entries and entries.child(number)) or node, file)
            for number, text in enumerate(texts)
        )
        return tuple(SecretStr(url) for url in urls if url)

    def patroni(self, section: TargetSection, node: Node, file: str) -> SecretStr | None:
        """That of Patroni; None where there is none."""
        if section.patroni is None:
            return None
        url = self.checked(section.patroni.url, System.HTTP, node.child("patroni") or node, file)
        return SecretStr(url) if url else None

    def checks_as(self, section: TargetSection, node: Node, file: str) -> SecretStr | None:
        """That by which checks are run; None where there is none."""
        if section.checks_as is None:
            return None
        url = self.checked(section.checks_as, System.POSTGRES, node.child("checks_as") or node, file)
        return SecretStr(url) if url else None

    def checked(self, text: str, system: System, node: Node, file: str) -> str:
        """A URL with its variables replaced; empty where it is, or where it is wrong, which is noted."""
        at = node.at(file)
        try:
            url = self._substituted(text, at) or ""
            check_url(url, system, at)
            self._check_options(text, url, system, at)
        except DesiredError as error:
            self.values.errors.append(error)
            return ""
        return url

    def _substituted(self, text: str, at: str) -> str | None:
        """A URL with its variables replaced; None where one is missing and none is needed. Raises DesiredError."""
        if self.offline and has_missing(text, self.values.known):
            return None
        url = self.values.url(text, at)
        self.secrets.remember_url(url)
        return url
