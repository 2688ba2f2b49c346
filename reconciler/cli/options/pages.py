"""The options of Markdown and HTML: how large a comment is, and whose; where links lead; and files for all of it."""

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

OF_MARKDOWN = {"limit": "--limit", "marker": "--marker"}
"""Options that mean nothing where no Markdown is written."""


class PagesLayout(TypedDict):
    """How Markdown and HTML are laid out, as views take it."""

    limit: int
    marker: str
    source_url: str


class Pages(NamedTuple):
    """What was asked for; `out`: by format, the file for all of it."""

    limit: int
    marker: str
    source_url: str
    out: Mapping[str, Path]

    def bounded(self) -> PagesLayout:
        """For a comment."""
        return {"limit": self.limit, "marker": self.marker, "source_url": self.source_url}

    def write(self, view: Callable[..., str]) -> None:
        """Writes all of it where that was asked for; `view` renders a format. Raises DocumentError."""
        from reconciler.documents.atomic_file import write_text

        for format, path in self.out.items():
            write_text(view(format, **{**self.bounded(), "limit": 0}), path)


def options(command: F) -> Callable[..., Any]:
    """Adds the options to `command`, which gets what they come to as `pages`. Needs its `--format`."""

    @click.option(
        "--out-markdown", type=click.Path(path_type=Path), metavar="FILE", help="Save all of it as Markdown as well."
    )
    @click.option(
        "--out-html", type=click.Path(path_type=Path), metavar="FILE", help="Save it as a page for a browser as well."
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
        help="Of Markdown and HTML: links to files begin with it.  [default: this commit, in GitHub's and GitLab's "
        "pipelines]",
    )  # fmt: skip
    @wraps(command)
    def with_pages(
        *given: Any, limit: int, marker: str | None, source_url: str | None,
        out_markdown: Path | None, out_html: Path | None, **others: Any,
    ) -> Any:  # fmt: skip
        if others["format"] != "markdown" and not out_markdown:
            _expect_none(html=others["format"] == "html" or out_html is not None)
        _expect_distinct({"--out": others.get("out"), "--out-markdown": out_markdown, "--out-html": out_html})
        out = {format: path for format, path in (("markdown", out_markdown), ("html", out_html)) if path}
        base = of_pipeline(os.environ, Path.cwd()) if source_url is None else source_url
        return command(*given, pages=Pages(limit, marker or "", base, out), **others)

    return with_pages


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


def _expect_none(*, html: bool) -> None:
    """Raises UsageError where the command line says how Markdown is laid out, and none is written; or HTML, and neither
    is."""
    context = click.get_current_context()
    for name, option in OF_MARKDOWN.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"{option} is of Markdown", hint="add --format markdown, or --out-markdown FILE")
    if not html and context.get_parameter_source("source_url") is ParameterSource.COMMANDLINE:
        raise UsageError(
            "--source-url is of Markdown and HTML",
            hint="add --format markdown or html, --out-markdown FILE or --out-html FILE",
        )


def _expect_distinct(files: Mapping[str, Path | None]) -> None:
    """Raises UsageError where two options name one file."""
    named: dict[str, str] = {}
    for option, path in files.items():
        if path and (first := named.setdefault(os.path.realpath(path), option)) != option:
            raise UsageError(f"{first} and {option} are both {path}", hint="name two files")
