"""Reads desired state that a test spells out."""

from __future__ import annotations

import textwrap

from desired.standin_kinds import KINDS

from reconciler.desired.load import load
from reconciler.errors import DesiredError
from reconciler.secrets import Secrets
from reconciler.yaml.document import parse

ENV = {"DATABASE_URL": "postgresql://app:hunter2@db1/app", "REDIS_URL": "redis://:s3same@cache1:6379"}

TARGETS = """\
targets:
  main: {postgres: "${DATABASE_URL}", memory: 16GB}
  cache: {redis: "${REDIS_URL}", memory: 8GB}
  web: {http: "${WEB_URL:-}"}
"""


def plain(node):
    """A tree as Python's own types."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def read(text):
    """The only document of a YAML text, as Python's own types."""
    (document,) = parse(textwrap.dedent(text).encode(), "x.yaml")
    return plain(document)


def refused(text):
    """The error of a YAML text, as it is printed."""
    try:
        parse(text.encode() if isinstance(text, str) else text, "x.yaml")
    except DesiredError as error:
        return str(error)
    raise AssertionError("it was not refused")


def load_files(folder, files, *, env=ENV, kinds=KINDS, **options):
    """What is loaded from `folder` with these files (text or bytes by name) in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return load(folder, kinds, env, Secrets(env), **options)


def load_refused(folder, files, **options):
    """The error of such files as it is printed, without the path of the folder."""
    try:
        load_files(folder, files, **options)
    except DesiredError as error:
        return str(error).replace(f"{folder}/", "").replace(str(folder), "FOLDER")
    raise AssertionError("it was not refused")
