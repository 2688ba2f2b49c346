"""The section `targets`: which live systems there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from pydantic import SecretStr, ValidationError

from reconciler.desired.declared import AllTargets, Declared, Unseen
from reconciler.desired.each.templates import EACH, NAMED, OWN_KEYS, Entry, Instance, Templates
from reconciler.desired.narrowing import EVERYTHING, Narrowing
from reconciler.desired.policy_file import written
from reconciler.desired.role import refuse_role
from reconciler.desired.substituted_values import Values
from reconciler.desired.target_names import DIVIDERS, refuse_made, refuse_name
from reconciler.desired.target_section import TARGET, StandbySection, TargetSection
from reconciler.desired.target_urls import UrlReader
from reconciler.desired.urls import URL_KEYS, texts
from reconciler.desired.validation_errors import explain
from reconciler.errors import DesiredError
from reconciler.model import BY_HAND, HttpTarget, PostgresTarget, RedisTarget, System, Target
from reconciler.secrets import Secrets
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node, shape
from reconciler.yaml.suggestions import quoted

_TYPES = {System.POSTGRES: PostgresTarget, System.REDIS: RedisTarget, System.HTTP: HttpTarget}

LABELS = "labels"


def without_references(target: Node) -> Iterator[Node]:
    """The parts of a target in which `env` and `file` are no references to secrets."""
    for key in (LABELS, EACH):
        if (child := target.child(key)) is not None:
            yield child


@dataclass(frozen=True, slots=True)
class TargetReader:
    """Collects the targets of all documents.

    `only` selects those whose URLs are needed. `offline` lets a URL be empty where its variable is missing.
    `limited`: whoever wrote the documents decides neither what runs here nor which files a driver opens.
    """

    values: Values
    secrets: Secrets
    templates: Templates
    only: Narrowing
    offline: bool
    limited: bool

    @property
    def errors(self) -> list[DesiredError]:
        """What is wrong."""
        return self.values.errors

    def read(self, documents: Iterable[Document]) -> AllTargets:
        """All targets. The passwords of all templates are known before anything is held against them."""
        entries = list(self._entries(documents))
        ordinary = {each.name: partial(self._target_of, each) for each in entries if not each.is_template}
        instances = {each.at: self.templates.instances(each, ordinary) for each in entries if each.is_template}
        declared: dict[str, Declared] = {}
        unseen: list[Unseen] = []
        is_complete = True
        for each in entries:
            if not each.is_template:
                if self._is_new(each.name, each.at, declared):
                    declared[each.name] = self._one(each, each.name, each.at)
                continue
            found = instances[each.at]
            if found and found.unseen:
                unseen.append(Unseen(each.name, each.at, found.unseen, self._standin(each), found.unanswered))
            made = [self._of_row(each, instance, declared) for instance in found.found] if found else [False]
            is_complete = is_complete and all(made)
        return AllTargets(declared, tuple(unseen), is_complete)

    def _target_of(self, entry: Entry) -> Target | None:
        """A target that is needed while all others are read; what is wrong with it will be noted once more."""
        return replace(self, only=EVERYTHING)._one(entry, entry.name, entry.at).target

    def _is_new(self, name: str, at: str, declared: Mapping[str, Declared]) -> bool:
        if name not in declared:
            return True
        message = f"the target {quoted(name)} is declared twice; the first one is at {declared[name].at}"
        self.errors.append(DesiredError(message, at=at, hint="remove or rename one of them"))
        return False

    def _entries(self, documents: Iterable[Document]) -> Iterator[Entry]:
        """What is declared under `targets`, be it one target or a template of many."""
        for file, root in documents:
            section = root.child("targets")
            if section is None or section.value is None:
                continue
            if not isinstance(section.value, dict):
                message = f"targets: expected a mapping {{name: {{postgres: URL}}}}, not {shape(section)}"
                self.errors.append(DesiredError(message, at=section.at(file)))
                continue
            for name, (line, column) in section.keys.items():
                yield Entry(name, section, file, f"{file}:{line}:{column}")

    def _of_row(self, entry: Entry, instance: Instance, declared: dict[str, Declared]) -> bool:
        """Adds the target that a template makes of a row; whether it has a name."""
        row, values, before = instance.row, instance.values, len(self.errors)
        node = entry.node.child("name") or Node(entry.node.line, entry.node.column, NAMED)
        name = str(values.plain(node, entry.file))
        values.refuse_secrets(node, entry.file)
        is_named = len(self.errors) == before and not refuse_made(name, row.at, self.errors)
        if is_named:
            if not self._is_new(name, row.at, declared):
                return True
            declared[name] = replace(self, values=values)._one(entry, name, row.where)
        self.errors[before:] = [
            DesiredError(f"{each.message} ({row.where})", at=each.at, hint=each.hint, others=each.others)
            for each in self.errors[before:]
        ]
        return is_named

    def _one(self, entry: Entry, name: str, at: str) -> Declared:
        """A target that is declared at `at`, in words."""
        wrong = Declared(name, at)
        node, file = entry.node, entry.file
        if refuse_name(name, entry.at, self.errors):
            return wrong
        if self.values.leaks.held_by(name):
            self.errors.append(DesiredError("the name of this target holds a password that is known", at=entry.at))
            return wrong
        plain = self._plain(node, file)
        try:
            model = TARGET.validate_python(plain)
        except ValidationError as error:
            self.errors.extend(explain(error, entry.section, entry.name, plain, TARGET, file))
            return wrong
        known = Declared(name, at, model.system, None, model.labels)
        if not self.only.selects(known):
            return known
        self._check_restarts(model, node, file)
        if self.limited and model.role:
            self.errors.append(refuse_role((node.child("role") or node).at(file)))
        self._refuse_secrets(node, file)
        try:
            url = self._urls.own(model, node, file)
        except DesiredError as error:
            self.errors.append(error)
            url = ""
        target = self._target(model, name, SecretStr(url), node, file, entry.at)
        if (policy := node.child("policy")) is not None:
            target = target.model_copy(update={"policy": model.policy.policy(policy.at(file))})
        return replace(known, target=target)

    def _standin(self, entry: Entry) -> Declared | None:
        """What is known of a template's targets without its columns; None where that is wrong."""
        declared = entry.node.value if isinstance(entry.node.value, dict) else {}
        plain = {
            key: written(child)
            for key, child in declared.items()
            if key in URL_KEYS or key == LABELS or not any("${" in str(each.value) for each in texts(child))
        }
        try:
            model = TARGET.validate_python(plain)
        except ValidationError as error:
            self.errors.extend(explain(error, entry.section, entry.name, plain, TARGET, entry.file))
            return None
        target = _TYPES[model.system](name=entry.name, url=SecretStr(""), memory=model.memory, cpus=model.cpus)
        return Declared(entry.name, entry.at, model.system, target, dict.fromkeys(model.labels, ""))

    @property
    def _urls(self) -> UrlReader:
        return UrlReader(self.values, self.secrets, self.offline, self.limited)

    def _target(self, section: TargetSection, name: str, url: SecretStr, node: Node, file: str, at: str) -> Target:
        urls = self._urls
        match section.system:
            case System.POSTGRES:
                return PostgresTarget(
                    name=name, url=url, memory=section.memory, cpus=section.cpus, labels=section.labels, declared_at=at,
                    silence=frozenset(section.silence),
                    replicas=urls.listed(section.replicas, "replicas", section.system, node, file),
                    checks_as=urls.checks_as(section, node, file),
                    hide_values=section.hide_values,
                    direct=section.direct,
                    role=section.role,
                    apply_as=section.apply_as,
                    restart=section.restart or "",
                    patroni=urls.patroni(section, node, file),
                    standbys=tuple(self._standbys(section, name, node, file)),
                )  # fmt: skip
            case System.REDIS:
                return RedisTarget(
                    name=name, url=url, memory=section.memory, cpus=section.cpus, labels=section.labels, declared_at=at,
                    silence=frozenset(section.silence),
                    replicas=urls.listed(section.replicas, "replicas", section.system, node, file),
                    sentinels=urls.listed(section.sentinels, "sentinels", section.system, node, file),
                    addresses=section.addresses,
                    persist=section.persist,
                )  # fmt: skip
            case System.HTTP:
                return HttpTarget(
                    name=name, url=url, memory=section.memory, cpus=section.cpus, labels=section.labels, declared_at=at
                )

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
            else written(child)
            if key in URL_KEYS
            else self._of_labels(child, file)
            if key == LABELS
            else self.values.plain(child, file)
            for key, child in node.value.items()
            if key not in OWN_KEYS or not self.values.columns
        }

    def _of_labels(self, node: Node, file: str) -> object:
        """The same of each label: one that is called env or file is no reference to a secret."""
        labels = node.value if isinstance(node.value, dict) else None
        return {name: self.values.plain(child, file) for name, child in labels.items()} if labels else written(node)

    def _of_standbys(self, node: Node, file: str) -> object:
        """The same of each standby."""
        if not isinstance(node.value, dict):
            return written(node)
        return {name: self._plain(child, file) for name, child in node.value.items()}

    def _standbys(self, section: TargetSection, of: str, node: Node, file: str) -> Iterator[PostgresTarget]:
        """The nodes beside its own, named `main@db2`; an empty URL says that there is none here."""
        entries = node.child("standbys")
        for name, standby in section.standbys.items():
            entry = (entries and entries.child(name)) or node
            if set(DIVIDERS) & set(name):
                self.errors.append(DesiredError(f"the name of the node {quoted(name)} holds / or @", at=entry.at(file)))
                continue
            url = self._urls.checked(standby.postgres, System.POSTGRES, entry, file)
            if url:
                yield PostgresTarget(
                    name=f"{of}@{name}", url=SecretStr(url),
                    memory=standby.memory, cpus=standby.cpus, hide_values=section.hide_values,
                    direct=section.direct, role=section.role, apply_as=section.apply_as, restart=standby.restart or "",
                    node_of=of, labels=section.labels, silence=frozenset(section.silence),
                    declared_at=entry.at(file),
                )  # fmt: skip
