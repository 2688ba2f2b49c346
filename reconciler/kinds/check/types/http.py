"""The answer of the application to one request.

What
    The answer to one GET or HEAD is as expected. Redirects are not followed, and no path climbs by `..`

    `status` is 200 where nothing else is said. A header is there, absent (`present: no`), or has a value. With
    `revalidates` a second request, with the ETag or the date of the first, is answered by 304. Values of request
    headers may be secrets.

Why
    Compression, caching by clients and health checks are decided by whatever stands before the application, and only an
    answer shows what became of them.

How to write it
    id: node-compression
    title: Large answers are compressed
    check:
      http:
        path: /api/tasks
        headers: {Accept-Encoding: gzip, Authorization: {env: API_TOKEN}}
        expect: {status: [200, 206], header: {Content-Encoding: {one_of: [gzip, br]}}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reconciler.errors import ConnectionFailed, DesiredError, ObservationFailed
from reconciler.kinds.check import http_without_url, patterns
from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.field_types import Regex, as_list
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen, SecretRef, System
from reconciler.yaml.verbatim_text import Text

if TYPE_CHECKING:
    from reconciler.targets.http import HttpSession

NOT_MODIFIED = 304


def _host_path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError(f"{text!r} is not a path on the target: expected something like /health")
    if ".." in re.split(r"[/\\]", unquote(unquote(text.partition("?")[0]))):
        raise ValueError(f"{text!r} climbs: a check asks below the URL of its target")
    return text


PathOnTarget = Annotated[str, AfterValidator(_host_path)]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...],
    BeforeValidator(as_list, json_schema_input_type=int | tuple[int, ...]),
    Field(min_length=1),
]


class HeaderExpectation(Frozen):
    """What a response header has to be; `{}` or `present: yes`: to be there at all."""

    present: bool = True
    equals: Text | None = None
    one_of: tuple[Text, ...] | None = None
    matches: Regex | None = None

    @model_validator(mode="after")
    def _absent_is_all(self) -> HeaderExpectation:
        if not self.present and (self.equals, self.one_of, self.matches) != (None, None, None):
            raise ValueError("a header that must not be there can have no value")
        return self


class HttpExpectation(Frozen):
    """What an answer has to be. `revalidates`: asked again with its own ETag or Last-Modified, it says 304."""

    status: Statuses = (200,)
    header: Mapping[str, HeaderExpectation] = {}
    revalidates: bool = False


class HttpRequest(Frozen):
    """One request. Header values may be secrets: {env: NAME}."""

    path: PathOnTarget
    method: Literal["GET", "HEAD"] = "GET"
    headers: Mapping[str, str | SecretRef] = {}
    expect: HttpExpectation = HttpExpectation()


class HttpCheck(Frozen):
    """The answer of the application to one request."""

    http: HttpRequest


class FoundAnswer(Frozen):
    """One answer: its status, its headers by lower-case name, and the status of the conditional request that followed
    it (None: not asked, or nothing to ask with)."""

    status: int
    headers: Mapping[str, str]
    revalidated: int | None = None


def read(session: HttpSession, checks: Mapping[Part, HttpCheck]) -> dict[Part, FoundAnswer | Unavailable]:
    """Asks one after another; once the server turns out not to be there, it is not asked again."""
    from reconciler.targets.http import TooSlow

    nothing = http_without_url.missing(session)
    if nothing is not None:
        return dict.fromkeys(checks, nothing)
    found: dict[Part, FoundAnswer | Unavailable] = {}
    unreachable: Unavailable | None = None
    for part, check in checks.items():
        if unreachable is not None:
            found[part] = unreachable
            continue
        try:
            found[part] = _answer(session, check.http)
        except ConnectionFailed as error:
            found[part] = unreachable = Unavailable(status=CheckStatus.ERROR, message=error.message)
        except TooSlow as error:
            found[part] = Unavailable(status=CheckStatus.FAIL, message=error.message, evidence="live")
        except (ObservationFailed, DesiredError) as error:
            found[part] = Unavailable(status=CheckStatus.ERROR, message=error.message)
    return found


def _answer(session: HttpSession, request: HttpRequest) -> FoundAnswer:
    headers = {
        name: session.secrets.resolve(value) if isinstance(value, SecretRef) else value
        for name, value in request.headers.items()
    }
    first = session.request(request.method, request.path, headers)
    conditions = {
        condition: first.headers[validator]
        for validator, condition in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
        if validator in first.headers
    }
    revalidated = None
    if request.expect.revalidates and conditions:
        revalidated = session.request(request.method, request.path, headers | conditions).status_code
    wanted = {name.lower() for name in request.expect.header} | {"location"}
    return FoundAnswer(
        status=first.status_code,
        headers={name: session.secrets.redact(value) for name, value in first.headers.items() if name in wanted},
        revalidated=revalidated,
    )


def decide(check: HttpCheck, found: FoundAnswer, known: Circumstances) -> Verdict:
    """Status, headers and revalidation are all as expected; the message names every one that is not."""
    request, wrong = check.http, []
    if found.status not in request.expect.status:
        moved = f" (to {found.headers['location']})" if "location" in found.headers else ""
        wanted = " or ".join(map(str, request.expect.status))
        wrong.append(f"answers {found.status}{moved}, wanted {wanted}")
    for name, expected in request.expect.header.items():
        problem = _header(expected, found.headers.get(name.lower()))
        if problem:
            wrong.append(f"header {name} {problem}")
    if request.expect.revalidates and found.revalidated != NOT_MODIFIED:
        wrong.append(
            "has neither ETag nor Last-Modified"
            if found.revalidated is None
            else f"answers {found.revalidated} when asked again with its own validator, wanted 304"
        )
    subject = f"{request.method} {request.path}"
    if wrong:
        return Verdict(CheckStatus.FAIL, f"{subject}: {'; '.join(wrong)}", "live")
    seen = [f"{name}: {found.headers[name.lower()]}" for name in request.expect.header if name.lower() in found.headers]
    revalidates = ["304 when asked again"] if request.expect.revalidates else []
    return Verdict(CheckStatus.PASS, f"{subject}: {', '.join([str(found.status), *seen, *revalidates])}", "live")


def _header(expected: HeaderExpectation, value: str | None) -> str:
    """What is wrong with a header; empty where nothing is. Values are compared in any case."""
    if value is None:
        return "is missing" if expected.present else ""
    if not expected.present:
        return f"is there ({value}), and must not be"
    if expected.equals is not None and value.lower() != expected.equals.lower():
        return f"is {value}, wanted {expected.equals}"
    if expected.one_of is not None and value.lower() not in {wanted.lower() for wanted in expected.one_of}:
        return f"is {value}, wanted one of {', '.join(expected.one_of)}"
    if expected.matches is not None and not patterns.found(expected.matches, value, any_case=True):
        return f"is {value}, which does not match {expected.matches}"
    return ""


TYPE = CheckType(HttpCheck, System.HTTP, read, decide)
