"""The options of Markdown: how large it is, whose comment it is, where its links lead, and a file for all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, TypeVar
from urllib.parse import quote

import click
from click.core import ParameterSource

from reconciler.cli.options import types
from reconciler.errors import UsageError
from reconciler.views.text_layout import LIMIT

F = TypeVar("F", bound=Callable[..., Any])

NAMES = {"limit": "--limit", "marker": "--marker", "source_url": "--source-url"}
"""Options that mean nothing where no Markdown is written."""


class MarkdownLayout(TypedDict):
    """How Markdown is laid out, as views take it."""

    limit: int
    marker: str
    source_url: str


class Markdown(NamedTuple):
    """What was asked for; `out`: the file for all of it."""

    limit: int
    marker: str
    source_url: str
    out: Path | None

    def bounded(self) -> MarkdownLayout:
        """For a comment."""
        return {"limit": self.limit, "marker": self.marker, "source_url": self.source_url}

    def write(self, render: Callable[[MarkdownLayout], str]) -> None:
        """Writes all of it where that was asked for. Raises DocumentError."""
        if self.out:
            from reconciler.documents.atomic_file import write_text

            write_text(render({**self.bounded(), "limit": 0}), self.out)


def options(command: F) -> Callable[..., Any]:
    """Adds the options to `command`, which gets what they come to as `markdown`. Needs its `--format`."""

    @click.option(
        "--out-markdown", type=click.Path(path_type=Path), metavar="FILE", help="Save all of it as Markdown as well."
    )
    @click.option(
        "--limit",
        type=types.Bytes(),
        default=LIMIT,
        show_default=True,
        metavar="BYTES",
        help="Of Markdown: how large it may be; 0: whole. What has no room is counted.",
    )
    @click.option(
        "--marker",
        type=types.Marker(),
        metavar="NAME",
        help="Of Markdown: begins with <!-- reconciler:plan:NAME --> (drift and check likewise), by which a pipeline "
        "finds its own comment.",
    )
    @click.option(
        "--source-url", type=types.SourceUrl(), metavar="URL",
        help="Of Markdown: links to files begin with it.  [default: this commit, in GitHub's and GitLab's pipelines]",
    )  # fmt: skip
    @wraps(command)
    def with_markdown(
        *given: Any, limit: int, marker: str | None, source_url: str | None, out_markdown: Path | None, **others: Any
    ) -> Any:
        if others["format"] != "markdown" and not out_markdown:
            _expect_none()
        out = others.get("out")
        if out_markdown and out and os.path.realpath(out) == os.path.realpath(out_markdown):
            raise UsageError(f"--out and --out-markdown are both {out}", hint="name two files")
        base = of_pipeline(os.environ, Path.cwd()) if source_url is None else source_url
        return command(*given, markdown=Markdown(limit, marker or "", base, out_markdown), **others)

    return with_markdown


def of_pipeline(environment: Mapping[str, str], folder: Path) -> str:
    """Where a pipeline of GitHub or GitLab shows the files of `folder` as they are in its commit; empty elsewhere."""
    if all(environment.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")):
        base = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/blob/{GITHUB_SHA}".format_map(environment)
        checkout = environment.get("GITHUB_WORKSPACE", "")
    elif all(environment.get(name) for name in ("CI_PROJECT_URL", "CI_COMMIT_SHA")):
        base = "{CI_PROJECT_URL}/-/blob/{CI_COMMIT_SHA}".format_map(environment)
        checkout = environment.get("CI_PROJECT_DIR", "")
    else:
        return ""
    below = folder.resolve()
    root = Path(checkout).resolve() if checkout else below
    if not below.is_relative_to(root) or not types.is_source_url(base):
        return ""
    return "/".join([base, *map(quote, below.relative_to(root).parts)])


def _expect_none() -> None:
    """Raises UsageError where the command line says how Markdown is laid out, and none is written."""
    context = click.get_current_context()
    for name, option in NAMES.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"{option} is of Markdown", hint="add --format markdown, or --out-markdown FILE")
