"""A folder of YAML → targets and resources.

Decided: docs/decisions.md#one-declaration-of-a-password
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.allow_lists import Reach
from reconciler.desired.declared import Unseen
from reconciler.desired.each.listed import without_rows
from reconciler.desired.each.templates import Templates
from reconciler.desired.ignore import ignore_rules
from reconciler.desired.leaks import Leaks
from reconciler.desired.merging import gathered, overridden
from reconciler.desired.narrowing import EVERYTHING, Narrowing
from reconciler.desired.places import of_key
from reconciler.desired.rollout.load import SECTION, DeclaredRollout, declared_rollout
from reconciler.desired.sections import SectionReader
from reconciler.desired.selection import Selection
from reconciler.desired.substituted_values import Values
from reconciler.desired.targets import TargetReader, without_references
from reconciler.desired.urls import learn, targets
from reconciler.errors import DesiredError, UsageError
from reconciler.kind import AnyKind, Authenticates
from reconciler.model import Address, IgnoreRule, RedisTarget, Resource, SecretRef, Target
from reconciler.secrets import Secrets
from reconciler.untrusted_files import repository
from reconciler.yaml.files import Document, read_documents, read_file
from reconciler.yaml.suggestions import quoted

MOST_ERRORS = 20
"""Errors that are shown at once: a screenful. Behind them is only their number."""


_NOT_QUOTED = "this is not as it should be, and is not quoted: a link leads to it out of the repository"
_ITS_PLACE = "look at this place of the file itself, or put the file into the repository"


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state: what was asked for of it, in the order of the files.

    `overridden`: by address, where the defaults are that another declaration overrides. `overridden_rules`: those of
    defaults, as they stand there, of which a part is overridden. `unseen`: the templates whose targets are not in it,
    since nobody was asked for them, or does not answer. `only`: what was asked for. All that is declared of its targets
    is in it: what is beside a resource decides what becomes of it. `rollout`: in which waves plans of them are applied;
    None: all at once. `ignore`: all rules by which differences are ignored, also of targets that are not in it.
    """

    targets: Mapping[str, Target]
    resources: tuple[Resource, ...]
    overridden: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    overridden_rules: tuple[Resource, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    only: Narrowing = EVERYTHING
    rollout: DeclaredRollout | None = None
    ignore: tuple[IgnoreRule, ...] = ()


def load(
    folder: Path,
    kinds: Sequence[AnyKind],
    env: Mapping[str, str],
    secrets: Secrets,
    *,
    only: Narrowing = EVERYTHING,
    offline: bool = False,
    partial: bool = False,
) -> Desired:
    """Reads and checks all YAML under `folder`.

    `only` restricts targets and resources to the targets that it selects; the URLs and the sections of others are then
    not looked into. `offline` lets the URLs of targets whose variables are missing be empty: for a check without
    credentials. `partial`: a catalogue that does not answer hides the targets of its own template alone, which are then
    `unseen`. Raises UsageError where there is no such folder, or `only` selects nothing of it; DesiredError with all
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
    documents = [*without_rows(documents, (*trusted, *documents))]
    for _, root in documents:
        leaks.learn_references(root, [each for target in targets(root) for each in without_references(target)])
    values = Values(env, reach, leaks, errors)
    of_targets, limited = values, reach.is_limited
    if reach.targets:
        _refuse_targets(documents, reach.targets, errors)
        of_targets, limited = Values(env, Reach(), leaks, errors), False
    by_template = Templates(
        of_targets, secrets, trusted=reach.targets is not None, offline=offline, partial=partial, only=only,
        below=None if reach.targets else (around, folder),
    )  # fmt: skip
    reader = TargetReader(of_targets, secrets, by_template, only, offline, limited)
    found = reader.read(trusted if reach.targets else documents)
    if all_parsed and not found.declared and not found.unseen and not errors:
        errors.append(
            DesiredError(
                f"no targets {f'in {reach.targets}' if reach.targets else f'under {folder}'}",
                hint='declare one: targets: {main: {postgres: "${DATABASE_URL}"}}',
            )
        )
    if not errors:
        try:
            only.check(found, [kind.name for kind in kinds])
        except UsageError:
            errors += [each.unanswered for each in found.unseen if each.unanswered]  # it may be among those
            if not errors:
                raise
    found = replace(found, is_complete=all_parsed and found.is_complete)
    rollout = declared_rollout([(of_targets, trusted), (values, documents)], found)
    ignore = ignore_rules(documents, kinds, found, values)
    selection = Selection(values, found)
    sections = SectionReader(kinds, values, selection, str(around))
    for document in documents:
        sections.read(document)
    left = overridden(sections.parts)
    resources = tuple(gathered(kinds, left.parts, errors))
    credentials = _credentials(kinds, resources, errors)
    if errors:
        raise _together(errors, strange)
    found_targets = {
        name: _logging_in(each.target, credentials.get(name, {}))
        for name, each in found.declared.items()
        if each.target
    }
    return Desired(found_targets, resources, left.places, tuple(left.rules), found.unseen, only, rollout, ignore)


def _targets_file(path: Path, errors: list[DesiredError]) -> list[Document]:
    """The documents of the file that alone declares targets; what is wrong with it is added to `errors`."""
    try:
        documents = read_file(path)
    except DesiredError as error:
        errors.append(error)
        return []
    for file, root in documents:
        for key in root.value if isinstance(root.value, dict) else ():
            if key not in ("targets", SECTION):
                message = f"the key {quoted(key)} is not of a file of targets: it holds `targets` and `rollout` alone"
                errors.append(DesiredError(message, at=of_key(file, root, key)))
    return documents


def _refuse_targets(documents: Sequence[Document], targets: Path, errors: list[DesiredError]) -> None:
    for file, root in documents:
        if root.child("targets") is not None:
            message = f"targets are declared in {targets} alone: whoever runs this has said so"
            hint = "remove this section; a new target comes into that file"
            errors.append(DesiredError(message, at=of_key(file, root, "targets"), hint=hint))


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


def _together(errors: Sequence[DesiredError], strange: Collection[str]) -> DesiredError:
    """One error that carries all: the first, the next ones, and the number of those that are not shown.

    What is wrong with files that are `strange` is told by its place alone: such a file may be anybody's.
    """
    # A file may be read twice, and a section for targets of two systems.
    known = {(each.at, each.message): each for error in errors for each in (error, *error.others)}
    flat = sorted(known.values(), key=_order)
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
