"""What a target of Redis says of its files, and of where its nodes are reached."""

from __future__ import annotations

import pytest
from desired.reading import load_files, load_refused

BAD = [
    ("persist: maybe", "persist", "no word for yes or no"),
    ("addresses: {'10.0.0.1:6379': '10.0.0.2'}", "expected addresses like", "a port on one side alone"),
    ("addresses: {'10.0.0.1': 'localhost:7001'}", "expected addresses like", "the other way round"),
    ("addresses: {'10.0.0.1:6379': 'redis://localhost:7001'}", "expected addresses like", "a URL"),
    ("addresses: {'10.0.0.1:6379': 'user:x@localhost:7001'}", "expected addresses like", "credentials"),
    ("addresses: {'10.0.0.1:6379': 'localhost:7001/1'}", "expected addresses like", "a path"),
    ("addresses: {'10.0.0.1:port': 'localhost:7001'}", "expected addresses like", "no number"),
    ("addresses: {'2001:db8::1': 'localhost'}", "expected addresses like", "an IPv6 address without brackets"),
]


@pytest.mark.parametrize(("line", "error", "reason"), BAD, ids=[case[2] for case in BAD])
def test_what_is_no_address_is_refused_where_it_stands(line, error, reason, tmp_path):
    said = load_refused(tmp_path, {"targets.yaml": f"targets: {{c: {{redis: 'redis://h', {line}}}}}\n"})
    assert error in said


@pytest.mark.parametrize("key", ["persist: no", "addresses: {a: b}"])
def test_only_a_redis_has_them(key, tmp_path):
    said = load_refused(tmp_path, {"targets.yaml": f"targets: {{c: {{postgres: 'host=h', {key}}}}}\n"})
    assert "only a redis target has" in said


def test_they_are_read(tmp_path):
    text = "targets: {c: {redis: 'redis://h', persist: no, addresses: {'[::1]:1': 'localhost:7001', 10.0.0.1: 'h'}}}\n"
    target = load_files(tmp_path, {"targets.yaml": text}).targets["c"]
    assert target.persist is False
    assert target.addresses == {"[::1]:1": "localhost:7001", "10.0.0.1": "h"}
