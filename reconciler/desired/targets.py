"""The section `targets`: which live systems there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pydantic import (
    SecretStr,
    ValidationError,
)

from reconciler.desired.leaks import only_variable
from reconciler.desired.refusals import explain
from reconciler.desired.role import refuse_role
from reconciler.desired.target_section import TARGET, StandbySection, TargetSection
from reconciler.desired.urls import URL_KEYS, check_url
from reconciler.desired.values import Values
from reconciler.desired.variables import has_missing
from reconciler.errors import DesiredError
from reconciler.model import BY_HAND, HttpTarget, PostgresTarget, RedisTarget, System, Target
from reconciler.secrets import Secrets
from reconciler.targets.url import options_of_drivers, weakened
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node, shape
from reconciler.yaml.wording import alternatives, quoted

_DIVIDERS = {"/": ("a slash", "ends the target's name"), "@": ("an at sign", "stands before the name of a node")}
"""Signs that no name of a target may hold, and what they do."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A target as declared, `at` file:line:column. `system` is None where its declaration is wrong.

    `target` is None where it is wrong, or was not asked for.
    """

    at: str
    system: System | None = None
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class TargetReader:
    """Collects the targets of all documents.

    `only` names those whose URLs are needed (empty: all). `offline` lets a URL be empty where its variable is missing.
    `limited`: whoever wrote the documents decides neither what runs here nor which files a driver opens.
    """

    values: Values
    secrets: Secrets
    only: Collection[str]
    offline: bool
    limited: bool

    @property
    def errors(self) -> list[DesiredError]:
        """What is wrong."""
        return self.values.errors

    def read(self, documents: Iterable[Document]) -> dict[str, Declared]:
        """Every target by its name, wrong ones included, so that a section for one is not wrong as well."""
        declared: dict[str, Declared] = {}
        for file, root in documents:
            section = root.child("targets")
            if section is None or section.value is None:
                continue
            if not isinstance(section.value, dict):
                message = f"targets: expected a mapping {{name: {{postgres: URL}}}}, not {shape(section)}"
                self.errors.append(DesiredError(message, at=section.at(file)))
                continue
            for name, (line, column) in section.keys.items():
                at = f"{file}:{line}:{column}"
                if name in declared:
                    message = f"the target {quoted(name)} is declared twice; the first one is at {declared[name].at}"
                    self.errors.append(DesiredError(message, at=at, hint="remove or rename one of them"))
                else:
                    declared[name] = self._one(section, name, file, at)
        return declared

    def _one(self, section: Node, name: str, file: str, at: str) -> Declared:
        for sign, (called, means) in _DIVIDERS.items():
            if sign in name:
                message = f"the name of the target {quoted(name)} holds {called}"
                self.errors.append(DesiredError(message, at=at, hint=f"{called} {means} in an address"))
                return Declared(at)
        if self.values.leaks.held_by(name):
            self.errors.append(DesiredError("the name of this target holds a password that is known", at=at))
            return Declared(at)
        node = section.child(name) or section
        plain = self._plain(node, file)
        try:
            model = TARGET.validate_python(plain)
        except ValidationError as error:
            self.errors.extend(explain(error, section, name, plain, TARGET, file))
            return Declared(at)
        if self.only and name not in self.only:
            return Declared(at, model.system)
        self._check_restarts(model, node, file)
        if self.limited and model.role:
            self.errors.append(refuse_role((node.child("role") or node).at(file)))
        self._refuse_secrets(node, file)
        try:
            url = self._url(model, node, file)
        except DesiredError as error:
            self.errors.append(error)
            url = ""
        return Declared(at, model.system, self._target(model, name, SecretStr(url), node, file, at))

    def _target(self, section: TargetSection, name: str, url: SecretStr, node: Node, file: str, at: str) -> Target:
        match section.system:
            case System.POSTGRES:
                return PostgresTarget(
                    name=name, url=url, memory=section.memory, cpus=section.cpus, declared_at=at,
                    replicas=self._listed(section.replicas, "replicas", section.system, node, file),
                    checks_as=self._checks_as(section, node, file),
                    hide_values=section.hide_values,
                    direct=section.direct,
                    role=section.role,
                    restart=section.restart or "",
                    patroni=self._patroni(section, node, file),
                    standbys=tuple(self._standbys(section, name, node, file)),
                )  # fmt: skip
            case System.REDIS:
                return RedisTarget(
                    name=name, url=url, memory=section.memory, cpus=section.cpus, declared_at=at,
                    replicas=self._listed(section.replicas, "replicas", section.system, node, file),
                    sentinels=self._listed(section.sentinels, "sentinels", section.system, node, file),
                    addresses=section.addresses,
                    persist=section.persist,
                )  # fmt: skip
            case System.HTTP:
                return HttpTarget(name=name, url=url, memory=section.memory, cpus=section.cpus, declared_at=at)

    def _refuse_secrets(self, node: Node, file: str) -> None:
        """Notes each secret outside of the URLs of a target."""
        for key, child in (node.value if isinstance(node.value, dict) else {}).items():
            if key == "standbys" and isinstance(child.value, dict):
                for standby in child.value.values():
                    self._refuse_secrets(standby, file)
            elif key not in URL_KEYS:
                self.values.refuse_secrets(child, file)

    def _check_restarts(self, section: TargetSection, node: Node, file: str) -> None:
        """Notes each command that would run on this machine and is not for the author of the YAML to name."""
        if not self.limited:
            return
        beside = node.child("standbys")
        commands: list[tuple[TargetSection | StandbySection, Node]] = [(section, node)]
        commands += [(each, (beside and beside.child(name)) or node) for name, each in section.standbys.items()]
        for each, at in commands:
            if each.restart and each.restart != BY_HAND:
                message = f"a command that restarts a server runs here: it is not for this YAML to name, but {BY_HAND}"
                place = (at.child("restart") or at).at(file)
                self.errors.append(
                    DesiredError(
                        message,
                        at=place,
                        hint="declare it in the file of --targets; each of --targets, --variables, --files-below and "
                        "--hosts makes it so",
                    )
                )

    def _plain(self, node: Node, file: str) -> object:
        """The declaration with its variables replaced but for those of URLs, which may not be needed."""
        if not isinstance(node.value, dict):
            return self.values.plain(node, file)
        return {
            key: self._of_standbys(child, file)
            if key == "standbys"
            else _written(child)
            if key in URL_KEYS
            else self.values.plain(child, file)
            for key, child in node.value.items()
        }

    def _of_standbys(self, node: Node, file: str) -> object:
        """The same of each standby."""
        if not isinstance(node.value, dict):
            return _written(node)
        return {name: self._plain(child, file) for name, child in node.value.items()}

    def _url(self, section: TargetSection, node: Node, file: str) -> str:
        at = (node.child(section.system.value) or node).at(file)
        url = self._substituted(section.url, at)
        if url is None:
            return ""
        if not url and section.system is not System.HTTP:
            raise DesiredError("the URL is empty", at=at, hint="is the environment variable empty?")
        check_url(url, section.system, at)
        self._check_options(section.url, url, section.system, at)
        return url

    def _check_options(self, written: str, url: str, system: System, at: str) -> None:
        """Raises DesiredError for an option by which a driver reads files, sends settings of its own, or protects a
        connection less, unless the URL is one variable as a whole, and so not the author's."""
        if not self.limited or only_variable(written):
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

    def _listed(self, texts: Iterable[str], key: str, system: System, node: Node, file: str) -> tuple[SecretStr, ...]:
        """The URLs under `key`; an empty one says that there is none here."""
        entries = node.child(key)
        urls = (
            self._checked(text, system, (entries and entries.child(number)) or node, file)
            for number, text in enumerate(texts)
        )
        return tuple(SecretStr(url) for url in urls if url)

    def _patroni(self, section: TargetSection, node: Node, file: str) -> SecretStr | None:
        if section.patroni is None:
            return None
        url = self._checked(section.patroni.url, System.HTTP, node.child("patroni") or node, file)
        return SecretStr(url) if url else None

    def _checks_as(self, section: TargetSection, node: Node, file: str) -> SecretStr | None:
        if section.checks_as is None:
            return None
        url = self._checked(section.checks_as, System.POSTGRES, node.child("checks_as") or node, file)
        return SecretStr(url) if url else None

    def _standbys(self, section: TargetSection, of: str, node: Node, file: str) -> Iterator[PostgresTarget]:
        """The nodes beside its own, named `main@db2`; an empty URL says that there is none here."""
        entries = node.child("standbys")
        for name, standby in section.standbys.items():
            entry = (entries and entries.child(name)) or node
            if set(_DIVIDERS) & set(name):
                self.errors.append(DesiredError(f"the name of the node {quoted(name)} holds / or @", at=entry.at(file)))
                continue
            url = self._checked(standby.postgres, System.POSTGRES, entry, file)
            if url:
                yield PostgresTarget(
                    name=f"{of}@{name}", url=SecretStr(url),
                    memory=standby.memory, cpus=standby.cpus, hide_values=section.hide_values,
                    direct=section.direct, role=section.role, restart=standby.restart or "", node_of=of,
                    declared_at=entry.at(file),
                )  # fmt: skip

    def _checked(self, text: str, system: System, node: Node, file: str) -> str:
        """A URL with its variables replaced; empty where it is, or where it is wrong, which is noted."""
        at = node.at(file)
        try:
            url = self._substituted(text, at) or ""
            check_url(url, system, at)
            self._check_options(text, url, system, at)
        except DesiredError as error:
            self.errors.append(error)
            return ""
        return url

    def _substituted(self, text: str, at: str) -> str | None:
        """A URL with its variables replaced; None where one is missing and none is needed. Raises DesiredError."""
        if self.offline and has_missing(text, self.values.env):
            return None
        url = self.values.url(text, at)
        self.secrets.remember_url(url)
        return url


def _written(node: Node) -> object:
    """The plain value of a tree as it is written."""
    if isinstance(node.value, dict):
        return {key: _written(child) for key, child in node.value.items()}
    return [_written(child) for child in node.value] if isinstance(node.value, list) else node.value
