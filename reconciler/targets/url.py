"""What is wrong with a URL, before a driver takes it apart and prints a part of the password as a host."""

from __future__ import annotations

from reconciler.errors import ConnectionFailed
from reconciler.model import Target


def refuse_unescaped(target: Target) -> None:
    """Raises ConnectionFailed where the credentials of a URL hold signs that have to be percent-encoded."""
    _, divider, rest = target.url.get_secret_value().partition("://")
    before_options = rest.partition("?")[0]
    authority = before_options.partition("/")[0]
    if divider and (before_options.count("@") > 1 or ("@" in before_options and "@" not in authority)):
        raise ConnectionFailed(
            target.name,
            "the password in its URL holds signs that divide a URL",
            hint="percent-encode them: %40 for @, %2F for /, %3A for :",
        )
