"""Types of options: text that means something else than itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from reconciler.model import Address

if TYPE_CHECKING:
    from reconciler.model import Verdict

SMALLEST_COMMENT = 4_000
"""Bytes: room for a summary, the names of some hazards, and what was left out."""

LONGEST_MARKER = 100
"""Characters: as much as the names of a repository's environments take."""


class Duration(click.ParamType[timedelta]):
    """An amount of time in whole units, as settings spell it: 7d, 12h, 90min."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, context: click.Context | None
    ) -> timedelta:
        """Fails with what is valid."""
        from reconciler.formulas.units import POSTGRES_TIME

        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"\s*([0-9]{1,9})\s*([a-z]+)\s*", value)
        if not found or found[2] not in POSTGRES_TIME:
            self.fail(f"{value!r} is no duration: expected one like 7d, 12h or 90min", param, context)
        try:
            return timedelta(microseconds=int(found[1]) * POSTGRES_TIME[found[2]])
        except OverflowError:
            self.fail(f"{value!r} is longer than can be counted", param, context)


class Digest(click.ParamType[str]):
    """SHA-256 in hex, the whole of it."""

    name = "digest"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """In lower case. Fails with what is valid."""
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", value.strip()):
            self.fail(
                f"{value!r} is no digest: expected 64 hexadecimal digits, as plan and show print them", param, context
            )
        return value.strip().lower()


class OneAddress(click.ParamType[Address]):
    """The address of a change."""

    name = "address"

    def convert(self, value: str | Address, param: click.Parameter | None, context: click.Context | None) -> Address:
        """Fails with what is valid."""
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, context)


class FailOn(click.ParamType["frozenset[Verdict]"]):
    """The verdicts that end a run with another code than 0, divided by commas; `none`: no verdict does."""

    name = "verdicts"

    def convert(
        self, value: str | frozenset[Verdict], param: click.Parameter | None, context: click.Context | None
    ) -> frozenset[Verdict]:
        """Fails with what is valid."""
        from reconciler.model import Verdict

        if isinstance(value, frozenset):
            return value
        known = {each.value: each for each in Verdict if each not in (Verdict.UNREACHABLE, Verdict.IN_SYNC)}
        words = [word.strip() for word in value.split(",")]
        if words == ["none"]:
            return frozenset()
        if Verdict.UNREACHABLE in words:
            self.fail("a target that could not be read always ends with 1: leave unreachable out", param, context)
        if strange := [word for word in words if word not in known]:
            valid = ", ".join(known)
            self.fail(f"{strange[0]!r} is no verdict that can be chosen: {valid}; or none alone", param, context)
        return frozenset(known[word] for word in words)


class Bytes(click.ParamType[int]):
    """How large a comment may become; 0: as large as it is."""

    name = "bytes"

    def convert(self, value: str | int, param: click.Parameter | None, context: click.Context | None) -> int:
        """Fails with what is valid."""
        number = int(value) if re.fullmatch(r"[0-9]{1,12}", str(value)) else -1
        if number and number < SMALLEST_COMMENT:
            self.fail(f"{value!r}: expected 0 for the whole, or at least {SMALLEST_COMMENT} bytes", param, context)
        return number


class Marker(click.ParamType[str]):
    """A name inside an HTML comment, which nothing in it may end."""

    name = "marker"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """Fails with what is valid."""
        if not re.fullmatch(rf"[A-Za-z0-9._/:-]{{1,{LONGEST_MARKER}}}", value) or "--" in value:
            self.fail(
                f"{value!r} is no marker: expected one word of letters, digits and . _ / : - without two hyphens side "
                f"by side, of at most {LONGEST_MARKER} characters", param, context,
            )  # fmt: skip
        return value


class SourceUrl(click.ParamType[str]):
    """The address below which files are to be seen."""

    name = "URL"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """Fails with what is valid; what may be a password is not repeated."""
        if not is_source_url(value):
            self.fail(
                "expected the http or https address of a folder, without a user, a password, a question mark, # or "
                "blanks, like https://github.com/OWNER/NAME/blob/COMMIT", param, context,
            )  # fmt: skip
        return value


def is_source_url(text: str) -> bool:
    """Whether links may begin with `text`: nobody's secret is in it, and it ends no link of Markdown."""
    if not re.fullmatch(r"https?://[!-~]+", text, re.IGNORECASE) or re.search(r"""[@?#<>()\[\]|\\`"']""", text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
