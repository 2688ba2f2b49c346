"""Sessions to applications that speak HTTP. They ask, and change nothing: GET and HEAD only."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit

import httpx

from reconciler.errors import ConnectionFailed, ObservationFailed
from reconciler.model import HttpTarget, System, TargetInfo
from reconciler.secrets import Secrets
from reconciler.targets import bounds, log

REQUEST_TIMEOUT = 10.0
"""Seconds for each of connecting, sending and waiting for an answer: whoever is slower fails its users too."""

ANSWER_SECONDS = 20.0
"""For all of it, a name that is looked up and an answer that comes drop by drop included."""

MOST_BODY = 1 << 20
"""Bytes of a body that are read. Nothing looks into bodies; reading some shows that the answer really comes."""


_SENDABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
"""What a header may hold by RFC 9110, 5.5, but for bytes that are no ASCII: there is no saying what they mean."""


class TooSlow(ObservationFailed):
    """The server was reached, and did not answer in REQUEST_TIMEOUT."""


class HttpSession:
    """Requests to one host. Nothing is sent before the first request; an empty URL means: no such application here."""

    system: Literal[System.HTTP] = System.HTTP

    def __init__(self, target: HttpTarget, secrets: Secrets) -> None:
        self.target = target
        self.secrets = secrets
        url = target.url.get_secret_value().strip()
        secrets.remember_url(url)
        self.declared = bool(url)
        self.instance = ""
        self.lesser_role = ""
        self.remark = None
        location = _location(target, url) if url else ""
        self.info = TargetInfo(system=System.HTTP, product="HTTP", version="", location=location, identity=location)
        self._silent_for = 0.0
        # Redirects are not followed: they may lead to another host, and a check wants the answer of this one.
        self._client = httpx.Client(
            base_url=url, timeout=REQUEST_TIMEOUT, follow_redirects=False, headers={"user-agent": "reconciler"}
        )

    def memory(self) -> int | None:
        """Bytes as declared: nothing else could tell."""
        return self.target.memory

    def cpus(self) -> int | None:
        """Processors as declared: nothing else could tell."""
        return self.target.cpus

    def request(self, method: Literal["GET", "HEAD"], path: str, headers: Mapping[str, str]) -> httpx.Response:
        """The answer to one request, its body unread. `path` begins with a slash and goes below the target's URL.

        Raises ConnectionFailed where the server cannot be reached, or has not answered a request for so long that none
        is sent any more; TooSlow where it does not answer in time, and ObservationFailed where what comes is not HTTP,
        or the request cannot be written.
        """
        name = self.target.name
        self.secrets.reach.refuse_url(name, str(self._client.base_url))
        self._refuse_headers(headers)
        if self._silent_for >= bounds.SILENCE_SECONDS:
            raise ConnectionFailed(
                name, f"nothing is asked any more: no request was answered for {self._silent_for:.0f} s",
                hint="check that it is up, and the network on the way", silent=True,
            )  # fmt: skip
        began = time.monotonic()
        status = None
        try:
            response = self._answer(method, path, headers)
            status = response.status_code
        except TooSlow:
            self._silent_for += time.monotonic() - began
            raise
        finally:
            log.statement(name, f"{method} {path}", began, status=status, error="" if status else log.NO_ANSWER)
        self._silent_for = 0.0
        return response

    def _refuse_headers(self, headers: Mapping[str, str]) -> None:
        """Raises ObservationFailed where one cannot be sent, without its value, or would lead to another host."""
        for header, value in headers.items():
            if not _SENDABLE.fullmatch(value):
                raise ObservationFailed(
                    self.target.name, f"the value of the header {header} cannot be sent: a header is one line of ASCII"
                )
            if header.lower() == "host":
                # Who stands behind a shared address answers for all names that lead there.
                self.secrets.reach.refuse_url(self.target.name, f"{self._client.base_url.scheme}://{value}")

    def _answer(self, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        name = self.target.name

        def send() -> httpx.Response:
            with self._client.stream(method, path, headers=headers) as response:
                received = 0
                for chunk in response.iter_raw():
                    received += len(chunk)
                    if received > MOST_BODY:
                        break
                return response

        try:
            late = TooSlow(name, f"not answered within {ANSWER_SECONDS:g} s")
            return bounds.within(ANSWER_SECONDS, send, lambda: late)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            said = self.secrets.redact(str(error)) or "no answer"
            raise ConnectionFailed(
                name, f"cannot be reached: {said}", hint="check its URL, and that it is up"
            ) from None
        except httpx.TimeoutException:
            raise TooSlow(name, f"no answer within {REQUEST_TIMEOUT:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise ObservationFailed(name, f"{method} {path} failed: {self.secrets.redact(str(error))}") from None

    def close(self) -> None:
        """Closes the connections. Never raises."""
        with suppress(httpx.HTTPError, OSError):
            self._client.close()


def connect(target: HttpTarget, secrets: Secrets) -> HttpSession:
    """A session that has not connected yet. Raises ConnectionFailed where the URL cannot be one."""
    return HttpSession(target, secrets)


def _location(target: HttpTarget, url: str) -> str:
    """Host and port of `url`, without its credentials."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not parts.hostname:
            raise ValueError
        httpx.URL(url)
    except (ValueError, KeyError, httpx.InvalidURL):
        raise ConnectionFailed(
            target.name, "its URL cannot be read", hint="expected http://HOST:PORT or https://HOST:PORT"
        ) from None
    return f"{parts.hostname}:{port}"
