from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from waiting import given_time

from check.declare import NOWHERE, decided
from reconciler.errors import ConnectionFailed
from reconciler.model import HttpTarget, SecretRef
from reconciler.secrets import Secrets
from reconciler.targets import http


class Application(BaseHTTPRequestHandler):
    """Knows a few routes, and remembers what it was asked."""

    asked: list[tuple[str, str, str | None]]

    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        path = self.path.partition("?")[0]
        headers, status = {}, 200
        if path == "/api/tasks" and "gzip" in self.headers.get("Accept-Encoding", ""):
            headers = {"Content-Encoding": "gzip", "RateLimit-Limit": "100"}
        elif path == "/api/agents":
            headers = {"ETag": '"v1"', "Cache-Control": "max-age=60"}
            status = 304 if self.headers.get("If-None-Match") == '"v1"' else 200
        elif path == "/stubborn":
            headers = {"ETag": '"v1"'}
        elif path == "/moved":
            headers, status = {"Location": "http://elsewhere.invalid/"}, 302
        elif path == "/slow":
            self.server.gate.wait()
        elif path == "/rubbish":
            self.wfile.write(b"not http\r\n\r\n")
            return
        elif path not in ("/metrics", "/api/tasks"):
            status = 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as listening:
        listening.asked, listening.gate = [], threading.Event()
        thread = threading.Thread(target=listening.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield listening
        listening.gate.set()
        listening.shutdown()
        thread.join()


@pytest.fixture
def app(server):
    return HttpTarget(name="app", url=f"http://127.0.0.1:{server.server_port}")


def http_check(path, method="GET", headers=None, **expect):
    return {"http": {"path": path, "method": method, "headers": headers or {}, "expect": expect}}


ANSWERS = [
    (http_check("/metrics"), "pass", "GET /metrics: 200"),
    (http_check("/metrics", "HEAD"), "pass", "HEAD /metrics: 200"),
    (http_check("/nowhere"), "fail", "GET /nowhere: answers 404, wanted 200"),
    (http_check("/nowhere", status=["404", "410"]), "pass", "GET /nowhere: 404"),
    (http_check("/moved"), "fail", "GET /moved: answers 302 (to http://elsewhere.invalid/), wanted 200"),
    (
        http_check(
            "/api/tasks", headers={"Accept-Encoding": "gzip"}, header={"content-encoding": {"one_of": ["gzip"]}}
        ),
        "pass",
        "GET /api/tasks: 200, content-encoding: gzip",
    ),
    (
        http_check(
            "/api/tasks", headers={"Accept-Encoding": "identity"}, header={"Content-Encoding": {"equals": "gzip"}}
        ),
        "fail",
        "GET /api/tasks: header Content-Encoding is missing",
    ),
    (http_check("/metrics", header={"X-Powered-By": {"present": "no"}}), "pass", "GET /metrics: 200"),
    (
        http_check("/api/agents", header={"Cache-Control": {"present": "no"}}),
        "fail",
        "GET /api/agents: header Cache-Control is there (max-age=60), and must not be",
    ),
    (
        http_check("/api/agents", header={"Cache-Control": {"matches": r"max-age=\d{4}"}}),
        "fail",
        r"GET /api/agents: header Cache-Control is max-age=60, which does not match max-age=\d{4}",
    ),
    (http_check("/api/agents", revalidates="yes"), "pass", "GET /api/agents: 200, 304 when asked again"),
    (
        http_check("/stubborn", revalidates="yes"),
        "fail",
        "GET /stubborn: answers 200 when asked again with its own validator, wanted 304",
    ),
    (http_check("/metrics", revalidates="yes"), "fail", "GET /metrics: has neither ETag nor Last-Modified"),
]


@pytest.mark.parametrize(("check", "status", "message"), ANSWERS, ids=[case[2] for case in ANSWERS])
def test_an_answer_is_judged_by_status_headers_and_revalidation(app, check, status, message):
    assert decided(app, check) == [(status, message)]


def test_an_answer_that_does_not_come_is_a_failure_and_hides_no_other(app, server, monkeypatch):
    def attempt(seconds: float):
        monkeypatch.setattr(http, "REQUEST_TIMEOUT", seconds)
        return seconds, *decided(app, http_check("/slow"), http_check("/metrics"), http_check("/rubbish"))

    # The other one is answered in the same time.
    seconds, slow, quick, _ = given_time(attempt, lambda found: found[2][0] == "pass")
    assert slow == ("fail", f"app: no answer within {seconds:g} s")
    assert quick == ("pass", "GET /metrics: 200")


def test_what_is_not_http_is_an_error(app):
    [(status, message)] = decided(app, http_check("/rubbish"))
    assert status == "error"
    assert "GET /rubbish failed" in message


def test_a_server_that_is_not_there_is_asked_once_and_said_plainly():
    gone = HttpTarget(name="app", url="http://user:planted-s3cret@127.0.0.1:1")
    found = decided(gone, http_check("/a"), http_check("/b"))
    assert [status for status, _ in found] == ["error", "error"]
    assert "app: cannot be reached" in found[0][1]
    assert "planted" not in str(found)


def test_a_header_may_be_a_secret_that_no_result_shows(app, server):
    secrets = Secrets({"TOKEN": "planted-s3cret"})
    check = http_check("/metrics", headers={"Authorization": {"env": "TOKEN"}})
    unset = http_check("/metrics", headers={"Authorization": {"env": "UNSET"}})
    found = decided(app, check, unset, secrets=secrets)
    assert [status for status, _ in found] == ["pass", "error"]
    assert server.asked == [("GET", "/metrics", "planted-s3cret")]
    assert "planted" not in str(found)
    assert secrets.resolve(SecretRef(env="TOKEN")) == "planted-s3cret"


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:port", "planted-s3cret", "http://[planted"])
def test_a_url_that_is_none_is_refused_without_being_repeated(url, secrets):
    with pytest.raises(ConnectionFailed) as raised:
        http.connect(HttpTarget(name="app", url=url), secrets)
    assert "planted" not in str(raised.value)
    assert "expected http://" in str(raised.value)


PACKAGE = {"dependencies": {"pg": "^8.11.0", "a/b": "1"}, "workers": 4, "files": ["x", "y"], "none": None}
FILES = [
    ({"path": "package.json", "json": "/dependencies/pg"}, "pass", "a value is there"),
    ({"path": "package.json", "json": "/dependencies/a~1b", "equals": "1"}, "pass", "escaped as RFC 6901 has it"),
    ({"path": "package.json", "json": "/workers", "at_most": "3"}, "fail", "too many"),
    ({"path": "package.json", "json": "/files/1", "equals": "y"}, "pass", "an element of a list"),
    ({"path": "package.json", "json": "/files/2"}, "fail", "past its end"),
    ({"path": "package.json", "json": "/none"}, "fail", "null is nothing"),
    ({"path": "package.json", "contains": '"pg"'}, "pass", "text"),
    ({"path": "package.json", "matches": r'"pg"\s*:\s*"\^9'}, "fail", "no match"),
    ({"path": "nothing.json", "contains": "x"}, "fail", "missing"),
    ({"path": "nothing.json", "contains": "x", "optional": "yes"}, "not-applicable", "missing, and may be"),
    ({"path": ["nothing.json", "package.json"], "contains": "pg"}, "pass", "one of them is enough"),
    ({"path": ["Dockerfile", "package.json"], "contains": "--max-old"}, "fail", "none of them"),
    ({"path": "Dockerfile", "json": "/a"}, "error", "not JSON"),
    ({"path": "binary", "contains": "x"}, "error", "not text"),
    ({"path": "large", "contains": "x"}, "error", "too large"),
    ({"path": ".", "contains": "x"}, "error", "a folder"),
    ({"path": "deep.json", "json": "/a"}, "error", "nested without end"),
]


@pytest.mark.parametrize(("check", "status"), [case[:2] for case in FILES], ids=[case[2] for case in FILES])
def test_a_file_beside_the_yaml_is_judged(tmp_path, check, status):
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"x" * (1 << 20) + b"x")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    [(found, message)] = decided(NOWHERE, {"file": check}, folder=tmp_path)
    assert found == status, message
