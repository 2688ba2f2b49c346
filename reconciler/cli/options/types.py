"""Types of options: text that means something else than itself."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from reconciler.model import Address


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
