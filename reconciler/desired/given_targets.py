"""Targets that the command line names by their URLs, rather than a file."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.allow_lists import Reach
from reconciler.desired.each.templates import Templates
from reconciler.desired.given_urls import without_password
from reconciler.desired.leaks import Leaks
from reconciler.desired.narrowing import EVERYTHING
from reconciler.desired.substituted_values import Values
from reconciler.desired.targets import TargetReader
from reconciler.desired.urls import learn
from reconciler.errors import DesiredError, UsageError
from reconciler.model import System, Target
from reconciler.secrets import Secrets
from reconciler.yaml.document import parse
from reconciler.yaml.files import Document
from reconciler.yaml.writing import Template, document

NAMES: Mapping[System, str] = {System.POSTGRES: "main", System.REDIS: "cache"}
"""What a target is called whose URL alone is known."""

_PLACE = "the command line"


def section(urls: Mapping[System, str], reach: Reach) -> Mapping[str, Mapping[str, str]]:
    """The section `targets` that declares one target for each of `urls`. Raises UsageError where one of them holds a
    password, or targets are declared in a file of whoever runs this alone."""
    if reach.targets:
        raise UsageError(
            f"targets are declared in {reach.targets} alone: --targets says so", hint="leave it out, or the URLs"
        )
    return {NAMES[system]: {system.value: Template(without_password(url, system))} for system, url in urls.items()}


def given_targets(
    targets: Mapping[str, Mapping[str, str]], env: Mapping[str, str], secrets: Secrets
) -> Mapping[str, Target]:
    """The targets of a `section`. Whoever gives a command line may use all variables in it. Raises DesiredError."""
    errors: list[DesiredError] = []
    leaks = Leaks(env, secrets)
    documents = [Document(_PLACE, root) for root in parse(document({"targets": targets}).encode(), _PLACE)]
    learn(documents, leaks)
    values = Values(env, Reach(), leaks, errors)
    templates = Templates(values, secrets, trusted=True, offline=False, partial=False, only=EVERYTHING, below=None)
    found = TargetReader(values, secrets, templates, EVERYTHING, offline=False, limited=False).read(documents)
    if errors:
        first = errors[0]
        raise DesiredError(first.message, at=_PLACE, hint=first.hint)
    return {name: each.target for name, each in found.declared.items() if each.target}
