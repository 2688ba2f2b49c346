"""Tells a webhook. Its address is a secret of whoever runs the tool: nothing that is raised, returned or logged has it.

Decided: docs/decisions.md#webhook-of-drift
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from reconciler.targets import bounds
from reconciler.untrusted_files import NotReadable, read_regular

LARGEST_FILE = 1 << 14
"""Bytes of a file that holds nothing but a URL."""

TRY_AGAIN = frozenset({408, 425, 429})
"""Answers that are about the moment, beside all of 5xx: too late, too early, too many."""


class NotTold(Exception):
    """The webhook was not told; the message says why, behind "the webhook was not told: "."""


class Patience(NamedTuple):
    """`answer`: seconds for one attempt, a name that is looked up and an answer that drips included; `pauses`: seconds
    before each further attempt."""

    answer: float = 10.0
    pauses: tuple[float, ...] = (1.0, 4.0)


PATIENCE = Patience()


class _TryAgain(Exception):
    """An attempt failed as another one might not; the message says how."""


def url_of(variables: Mapping[str, str], variable: str, file: Path | None) -> str:
    """The address that was given, in a file or else in a variable; empty: none. Raises NotTold."""
    if file is None:
        return variables.get(variable, "").strip()
    try:
        url = read_regular(file, LARGEST_FILE).decode("utf-8").strip()
    except FileNotFoundError:
        raise NotTold(f"there is no file {file}") from None
    except UnicodeDecodeError:
        raise NotTold(f"{file} is not UTF-8 text") from None
    except NotReadable as error:
        raise NotTold(f"{file} {error}") from None
    if not url:
        raise NotTold(f"{file} is empty")
    return url


def post(
    url: str, body: str, key: str, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Posts JSON. `key` is the same for each attempt, so that whoever hears two of them takes them for one.

    Raises NotTold, whatever goes wrong.
    """
    patience = patience or PATIENCE
    _expect_safe(url)
    why = ""
    for number, pause in enumerate((0.0, *patience.pauses), 1):
        if pause:
            sleep(pause)
        try:
            return bounds.within(
                patience.answer, lambda: _attempt(url, body, key, patience), lambda: _TryAgain(_late(patience))
            )
        except _TryAgain as failed:
            why = f"{failed}{f', {number} times' if number > 1 else ''}"
        except NotTold:
            raise
        except Exception as error:  # whatever a library has to say may quote the address
            raise NotTold(f"{type(error).__name__} while it was asked") from None
    raise NotTold(why)


def _attempt(url: str, body: str, key: str, patience: Patience) -> None:
    """Raises NotTold, and _TryAgain where another attempt may do."""
    headers = {"content-type": "application/json", "user-agent": "reconciler", "idempotency-key": key}
    # A proxy of the environment would read what goes to loopback, and https hides from it all but the host.
    secure = urlsplit(url).scheme.lower() == "https"
    try:
        with (
            httpx.Client(timeout=patience.answer, follow_redirects=False, trust_env=secure) as client,
            client.stream("POST", url, content=body.encode("utf-8"), headers=headers) as response,
        ):
            status = response.status_code  # of the answer nothing else is read
    except httpx.TimeoutException:
        raise _TryAgain(_late(patience)) from None
    except httpx.ConnectError as error:
        if of_tls := _of_tls(error):
            known = isinstance(of_tls, ssl.SSLCertVerificationError)
            raise NotTold("its certificate is not accepted" if known else "no TLS can be agreed on with it") from None
        raise _TryAgain("it cannot be reached") from None
    except httpx.TransportError:
        raise _TryAgain("what it answers is no HTTP, or ends too early") from None
    if status in TRY_AGAIN or status >= 500:
        raise _TryAgain(f"it answered {status}")
    if 300 <= status < 400:
        raise NotTold(f"it answered {status}, a redirect, and those are not followed")
    if status >= 400:
        raise NotTold(f"it answered {status}")


def _expect_safe(url: str) -> None:
    """Raises NotTold where others on the way would read the address, and what is posted."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise NotTold("its URL cannot be read") from None
    scheme = parts.scheme.lower()
    if not host or scheme not in ("http", "https"):
        raise NotTold("its URL is not one of https")
    if scheme == "http" and not _is_loopback(host):
        raise NotTold("its URL is one of http, which is for this very machine alone: use https")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _of_tls(error: BaseException) -> ssl.SSLError | None:
    """What was wrong with TLS, where that is the cause."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _late(patience: Patience) -> str:
    return f"no answer within {patience.answer:g} s"
