"""A webhook is told of drift: counts and addresses, never a value; whatever it does, no exit code changes, and its
address is read by nobody."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from reconciler import webhook
from reconciler.webhook import NotTold, Patience, post, url_of

TOKEN = "/services/T0PS3CRET/hook?key=k3yk3yk3y"
QUICK = Patience(answer=0.5, pauses=(0.01, 0.01))
"""For servers that do not answer."""

USUAL = Patience(answer=60.0, pauses=(0.01, 0.01))
"""For all others, however slow the machine is."""


class Server:
    """Answers on loopback as a test says, one connection after the other, and keeps what was asked."""

    def __init__(self, *answers: Callable[[socket.socket], None], greets: bool = False) -> None:
        """`greets`: it speaks first, whatever it is asked."""
        self.answers = answers
        self.greets = greets
        self.asked: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}{TOKEN}"
        self.ended = threading.Event()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                number = len(self.asked)
                self.asked.append(b"" if self.greets else _request(connection))
                answer = self.answers[min(number, len(self.answers) - 1)]
                if answer is silent:
                    self.ended.wait(60)
                else:
                    answer(connection)


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(*answers, greets: bool = False) -> Iterator[Server]:
    server = Server(*answers, greets=greets)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        with suppress(OSError):
            server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        thread.join(10)


def answering(status: str, *headers: str):
    text = "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", "Connection: close", *headers, "", ""])
    return lambda connection: connection.sendall(text.encode())


def silent(connection: socket.socket) -> None:
    """Says nothing until the test is over."""


def dripping(connection: socket.socket) -> None:
    """A header that never ends: each byte comes in time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def endless_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\nx\r\n")
        time.sleep(0.02)


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example ESMTP\r\n")


OK = answering("204 No Content")


def why(url: str, patience: Patience = USUAL) -> str:
    with pytest.raises(NotTold) as raised:
        post(url, "{}", "key", patience)
    assert raised.value.__cause__ is None
    assert "S3CRET" not in repr(raised.value)
    return str(raised.value)


def test_it_is_asked_once_where_it_listens():
    with serving(OK) as server:
        post(server.url, '{"a": 1}', "once", USUAL)
    [asked] = server.asked
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(f"POST {TOKEN} HTTP/1.1".encode())
    assert b"content-type: application/json" in head.lower()
    assert b"idempotency-key: once" in head.lower()
    assert body == b'{"a": 1}'


def test_what_is_about_the_moment_is_tried_again_with_the_same_key():
    with serving(answering("500 Oh"), answering("429 Slowly"), OK) as server:
        post(server.url, "{}", "the-same", USUAL)
    assert len(server.asked) == 3
    assert all(b"the-same" in asked for asked in server.asked)
    with serving(answering("503 Down")) as server:
        assert why(server.url) == "it answered 503, 3 times"
    assert len(server.asked) == 3


def test_what_is_refused_is_not_tried_again():
    with serving(answering("403 No")) as server:
        assert why(server.url) == "it answered 403"
    assert len(server.asked) == 1


def test_a_redirect_leads_nowhere():
    with serving(OK) as elsewhere, serving(answering("307 There", f"Location: {elsewhere.url}")) as server:
        assert why(server.url) == "it answered 307, a redirect, and those are not followed"
    assert (len(server.asked), elsewhere.asked) == (1, [])


@pytest.mark.parametrize("answer", [silent, dripping])
def test_one_that_does_not_answer_in_time_is_left(answer):
    with serving(answer) as server:
        assert "no answer within 0.5 s" in why(server.url, QUICK._replace(pauses=()))


def test_of_its_answer_only_the_status_is_read():
    with serving(endless_body) as server:
        post(server.url, "{}", "key", USUAL)
    assert len(server.asked) == 1


def test_one_that_is_not_there_or_speaks_otherwise_is_told_of_without_its_address():
    with serving(OK) as server:
        url = server.url
    assert why(url) == "it cannot be reached, 3 times"
    with serving(no_http) as server:
        assert why(server.url) == "what it answers is no HTTP, or ends too early, 3 times"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_certificate_that_nobody_knows_is_not_accepted(tmp_path):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def shaking_hands(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)

    with serving(shaking_hands, greets=True) as server:
        assert why(server.url.replace("http://", "https://")) == "its certificate is not accepted"


def test_one_that_speaks_no_tls_is_left():
    with serving(no_http, greets=True) as server:
        assert why(server.url.replace("http://", "https://")) == "no TLS can be agreed on with it"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/T0PS3CRET", "ftp://127.0.0.1/T0PS3CRET", "//127.0.0.1/T0PS3CRET", "T0PS3CRET",
        "http://10.0.0.1/T0PS3CRET", "http://localhost.example/T0PS3CRET", "http://127.0.0.1:x/T0PS3CRET",
        "https://[::1/T0PS3CRET", "http://0.0.0.0/T0PS3CRET", "file:///T0PS3CRET",
    ],
)  # fmt: skip
def test_an_address_that_others_could_read_on_the_way_is_refused(url, monkeypatch):
    monkeypatch.setattr(webhook, "_attempt", lambda *_: pytest.fail("it was asked"))
    assert why(url).startswith("its URL")


def test_the_address_comes_from_a_file_before_the_variable(tmp_path):
    path = tmp_path / "url"
    path.write_text("https://a.example/x\n")
    assert url_of({"U": "https://b.example"}, "U", path) == "https://a.example/x"
    assert url_of({"U": " https://b.example "}, "U", None) == "https://b.example"
    assert url_of({}, "U", None) == ""
    path.write_text("\n")
    for wrong, told in {path: "is empty", tmp_path / "none": "there is no file", tmp_path: "cannot be read"}.items():
        with pytest.raises(NotTold, match=told):
            url_of({}, "U", wrong)


@pytest.fixture
def usual(monkeypatch):
    monkeypatch.setattr(webhook, "PATIENCE", USUAL)


@pytest.mark.usefixtures("usual")
def test_drift_tells_counts_and_addresses_and_no_value(world, reconciler, monkeypatch):
    with serving(OK) as server:
        monkeypatch.setenv("RECONCILER_WEBHOOK_URL", server.url)
        code, _, err = reconciler("drift")
    assert (code, err) == (2, "")
    [asked] = server.asked
    body = asked.partition(b"\r\n\r\n")[2].decode()
    message = json.loads(body)
    assert (message["verdict"], message["counts"], message["unreachable"]) == ("differs", {"differs": 3}, [])
    assert {each["address"] for each in message["resources"]} == {
        "main/pg_index/public.tasks_status_idx", "main/pg_index/public.tasks_title_idx", "main/pg_setting/work_mem",
    }  # fmt: skip
    assert not [value for value in ("7MB", "4MB", "the queue", "lower(", "127.0.0.1") if value in body]


@pytest.mark.usefixtures("usual")
def test_whatever_it_does_the_exit_code_stays_and_its_address_is_nowhere(world, reconciler, monkeypatch, tmp_path):
    file = tmp_path / "webhook-url"
    for answer in (answering("500 Oh"), answering("302 There", "Location: http://127.0.0.1:1/"), no_http):
        with serving(answer) as server:
            file.write_text(server.url)
            code, out, err = reconciler("drift", "--webhook-url-file", file)
        assert (code, "Drift: " in out) == (2, True)
        assert err.startswith("The webhook was not told: ")
        assert err.count("\n") == 1
        assert "S3CRET" not in out + err
        assert "127.0.0.1" not in err
    file.write_text("http://hooks.example/T0PS3CRET")
    code, _, err = reconciler("drift", "--webhook-url-file", file)
    assert (code, "S3CRET" in err, "use https" in err) == (2, False, True)
    assert reconciler("drift", "--fail-on", "none", "--webhook-url-file", tmp_path / "none")[0] == 0


@pytest.mark.usefixtures("usual")
def test_no_log_and_no_traceback_has_its_address(world, desired, monkeypatch, capsys):
    from reconciler.cli.app import run

    with serving(answering("500 Oh")) as server:
        monkeypatch.setenv("RECONCILER_WEBHOOK_URL", server.url)
        assert run(["--desired", str(desired), "-vv", "--debug", "drift"]) == 2
    captured = capsys.readouterr()
    assert len(server.asked) == 3
    assert "S3CRET" not in captured.out + captured.err


def test_no_document_may_use_its_address(world, desired, reconciler, monkeypatch):
    """Seen to be read as the value of a setting, whose error named its host."""
    monkeypatch.setenv("RECONCILER_WEBHOOK_URL", "https://hooks.example/T0PS3CRET")
    for text in ("settings: {work_mem: '${RECONCILER_WEBHOOK_URL}'}", "settings: {a.b: {env: RECONCILER_WEBHOOK_URL}}"):
        (desired / "tasks.yaml").write_text(f"target: main\n{text}\n")
        code, out, err = reconciler("plan")
        assert (code, "S3CRET" in out + err) == (1, False)
        assert "RECONCILER_WEBHOOK_URL may not be used" in err
