"""A folder of YAML → targets and resources.

Decided: docs/decisions.md#one-declaration-of-a-password
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.desired.gather import Part, gathered
from reconciler.desired.leaks import Leaks
from reconciler.desired.refusals import explain
from reconciler.desired.targets import Declared, TargetReader
from reconciler.desired.urls import learn
from reconciler.desired.values import Values
from reconciler.errors import DesiredError, UsageError
from reconciler.files import repository
from reconciler.kind import AnyKind, Authenticates, Declaration
from reconciler.model import RedisTarget, Resource, SecretRef, System, Target
from reconciler.reach import Reach
from reconciler.secrets import Secrets
from reconciler.yaml.files import Document, read_documents, read_file
from reconciler.yaml.node import Node, shape
from reconciler.yaml.wording import alternatives, quoted, unknown

MOST_ERRORS = 20
"""Errors that are shown at once: a screenful. Behind them is only their number."""


_NOT_QUOTED = "this is not as it should be, and is not quoted: a link leads to it out of the repository"
_ITS_PLACE = "look at this place of the file itself, or put the file into the repository"


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state: what was asked for of it, in the order of the files."""

    targets: Mapping[str, Target]
    resources: tuple[Resource, ...]


def load(
    folder: Path,
    kinds: Sequence[AnyKind],
    env: Mapping[str, str],
    secrets: Secrets,
    *,
    only: Collection[str] = (),
    offline: bool = False,
) -> Desired:
    """Reads and checks all YAML under `folder`.

    `only` restricts targets and resources to the targets of these names; the URLs and the sections of others are then
    not looked into. `offline` lets the URLs of targets whose variables are missing be empty: for a check without
    credentials. Raises UsageError where there is no such folder, or no such target as in `only`; DesiredError with all
    that is wrong with the YAML.
    """
    errors: list[DesiredError] = []
    reach, leaks = secrets.reach, Leaks(env, secrets)
    around = repository(folder)
    below = (around,) if reach.is_limited else None
    strange: set[str] = set()
    documents = read_documents(folder, errors, below=below, leave_out=reach.targets, home=around, strange=strange)
    trusted = _targets_file(reach.targets, errors) if reach.targets else []
    all_parsed = not errors
    learn((*trusted, *documents), leaks)
    for _, root in documents:
        leaks.learn_references(root)
    values = Values(env, reach, leaks, errors)
    if reach.targets:
        _refuse_targets(documents, reach.targets, errors)
        declared = TargetReader(Values(env, Reach(), leaks, errors), secrets, only, offline, False).read(trusted)
    else:
        declared = TargetReader(values, secrets, only, offline, reach.is_limited).read(documents)
    if all_parsed and not declared and not errors:
        errors.append(
            DesiredError(
                f"no targets {f'in {reach.targets}' if reach.targets else f'under {folder}'}",
                hint='declare one: targets: {main: {postgres: "${DATABASE_URL}"}}',
            )
        )
    missing = [name for name in only if name not in declared]
    if missing and not errors:
        raise UsageError(unknown("target", missing[0], list(declared)))
    sections = _SectionReader(kinds, values, declared, all_parsed, str(around))
    for document in documents:
        sections.read(document)
    resources = tuple(gathered(kinds, sections.parts, errors))
    credentials = _credentials(kinds, resources, errors)
    if errors:
        raise _together(errors, strange)
    targets = {
        name: _logging_in(each.target, credentials.get(name, {})) for name, each in declared.items() if each.target
    }
    return Desired(targets, resources)


def _targets_file(path: Path, errors: list[DesiredError]) -> list[Document]:
    """The documents of the file that alone declares targets; what is wrong with it is added to `errors`."""
    try:
        documents = read_file(path)
    except DesiredError as error:
        errors.append(error)
        return []
    for file, root in documents:
        for key in root.value if isinstance(root.value, dict) else ():
            if key != "targets":
                message = f"the key {quoted(key)} is not of a file of targets: it holds `targets`, and nothing else"
                errors.append(DesiredError(message, at=_place(file, root, key)))
    return documents


def _refuse_targets(documents: Sequence[Document], targets: Path, errors: list[DesiredError]) -> None:
    for file, root in documents:
        if root.child("targets") is not None:
            message = f"targets are declared in {targets} alone: whoever runs this has said so"
            hint = "remove this section; a new target comes into that file"
            errors.append(DesiredError(message, at=_place(file, root, "targets"), hint=hint))


def _credentials(
    kinds: Sequence[AnyKind], resources: Sequence[Resource], errors: list[DesiredError]
) -> dict[str, dict[str, tuple[SecretRef, ...]]]:
    """By target and user: the passwords declared for it. Two different ones would undo each other: an error."""
    authenticating = {kind.name: kind for kind in kinds if isinstance(kind, Authenticates)}
    found: dict[str, dict[str, tuple[SecretRef, ...]]] = {}
    for resource in resources:
        kind = authenticating.get(resource.address.kind)
        declared = kind.credentials(resource) if kind else None
        if declared is None:
            continue
        user, secret = declared
        [other] = found.setdefault(resource.address.target, {}).setdefault(user, (secret,))
        if other != secret:
            message = f"the password of the user {user} is {secret} here and {other} elsewhere"
            errors.append(DesiredError(message, at=resource.declared_at, hint="declare it once, or the same secret"))
    return found


def _logging_in(target: Target, credentials: Mapping[str, tuple[SecretRef, ...]]) -> Target:
    """`target` with the passwords declared for its users. Only Redis is logged in to by another than its URL's."""
    return target.model_copy(update={"credentials": credentials}) if isinstance(target, RedisTarget) else target


class _SectionReader:
    """Collects the resources of all documents."""

    def __init__(
        self,
        kinds: Sequence[AnyKind],
        values: Values,
        declared: Mapping[str, Declared],
        is_complete: bool,
        repository: str,
    ) -> None:
        self.values = values
        self.declared = declared
        self.is_complete = is_complete
        self.repository = repository
        self.errors = values.errors
        self.parts: list[Part] = []
        self.by_section: dict[str, list[AnyKind]] = {}
        for kind in kinds:
            for section in kind.sections:
                self.by_section.setdefault(section, []).append(kind)
        self.adapters: dict[tuple[str, str], TypeAdapter[Any]] = {}

    def read(self, document: Document) -> None:
        """Adds the resources of one document; what is wrong is added to the errors."""
        file, root = document
        if root.value is None:
            return
        if not isinstance(root.value, dict):
            message = f"expected a mapping with target, targets or a section, not {shape(root)}"
            self.errors.append(DesiredError(message, at=root.at(file)))
            return
        sections = [key for key in root.value if key in self.by_section]
        for key in root.value:
            if key not in self.by_section and key not in ("target", "targets"):
                message = unknown("key", key, ["targets", "target", *sorted(self.by_section)])
                self.errors.append(DesiredError(message, at=_place(file, root, key)))
        declared = self._declared_of(file, root, sections)
        if declared is None or declared.system is None:
            return
        for key in sections:
            kind = self._kind(key, declared.system, file, root)
            if kind and declared.target:
                self._read_section(kind, key, declared.target, file, root)

    def _declared_of(self, file: str, root: Node, sections: Sequence[str]) -> Declared | None:
        """The target that the sections of a document are for; None where there is none, which may be an error."""
        node = root.child("target")
        if node is None:
            if sections:
                message = f"the key target is missing: which target is the section {quoted(sections[0])} for?"
                hint = f"add a line to this document: target: {next(iter(self.declared), 'main')}"
                self.errors.append(DesiredError(message, at=_place(file, root, sections[0]), hint=hint))
            return None
        before = len(self.errors)
        name = self.values.plain(node, file)
        self.values.refuse_secrets(node, file)
        if len(self.errors) > before:
            return None
        if not isinstance(name, str):
            message = f"target: expected the name of one target, not {shape(node)}"
            self.errors.append(DesiredError(message, at=_place(file, root, "target")))
            return None
        # A file that could not be read may be the one that declares it.
        if name not in self.declared and self.is_complete:
            hint = "" if self.declared else "no target is declared anywhere: add targets: {name: {postgres: URL}}"
            self.errors.append(DesiredError(unknown("target", name, list(self.declared)), at=node.at(file), hint=hint))
        return self.declared.get(name)

    def _kind(self, section: str, system: System, file: str, root: Node) -> AnyKind | None:
        """The kind that reads `section` of a target of `system`; one for this very system before one for any."""
        kinds = sorted(self.by_section[section], key=lambda kind: kind.system is None)
        for kind in kinds:
            if kind.system in (system, None):
                return kind
        systems = alternatives(sorted({str(kind.system) for kind in kinds}))
        message = f"the section {quoted(section)} is for targets of {systems}, and this one is of {system}"
        self.errors.append(DesiredError(message, at=_place(file, root, section), hint="is the target right?"))
        return None

    def _read_section(self, kind: AnyKind, key: str, target: Target, file: str, root: Node) -> None:
        node = root.child(key) or root
        before = len(self.errors)
        plain = self.values.plain(node, file)
        if len(self.errors) > before:
            return
        adapter = self.adapters.get((kind.name, key))
        if adapter is None:
            adapter = self.adapters[kind.name, key] = TypeAdapter(kind.sections[key])
        try:
            value = adapter.validate_python(plain)
            declaration = Declaration(
                target, key, value, file, partial(_place_inside, file, root, key), self.repository
            )
            section_at = declaration.at(())
            self.parts += (Part(resource, section_at) for resource in kind.declare(declaration))
            self.values.refuse_secrets(node, file)
        except ValidationError as error:
            self.errors.extend(explain(error, root, key, plain, adapter, file))
        except DesiredError as error:
            at = error.at or _place(file, root, key)
            self.errors += [DesiredError(error.message, at=at, hint=error.hint), *error.others]


def _place(file: str, root: Node, key: str) -> str:
    return _place_inside(file, root, key, ())


def _place_inside(file: str, root: Node, key: str, path: Sequence[str | int]) -> str:
    line, column = root.mark_of((key, *path))
    return f"{file}:{line}:{column}"


def _together(errors: Sequence[DesiredError], strange: Collection[str]) -> DesiredError:
    """One error that carries all: the first, the next ones, and the number of those that are not shown.

    What is wrong with files that are `strange` is told by its place alone: such a file may be anybody's.
    """
    flat = sorted((each for error in errors for each in (error, *error.others)), key=_order)
    told = [
        DesiredError(_NOT_QUOTED, at=each.at, hint=_ITS_PLACE) if _order(each)[0] in strange else each for each in flat
    ]
    first, *others = told[:MOST_ERRORS]
    if len(flat) > MOST_ERRORS:
        others.append(DesiredError(f"… and {len(flat) - MOST_ERRORS} more errors"))
    return DesiredError(first.message, at=first.at, hint=first.hint, others=others)


def _order(error: DesiredError) -> tuple[str, int, int]:
    """As people read: by file, line and column."""
    file, *place = error.at.rsplit(":", 2)
    return (file, int(place[0]), int(place[1])) if len(place) == 2 else (error.at, 0, 0)
