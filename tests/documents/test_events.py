"""Events as lines: valid against the schema that is published, each readable alone, and without a secret.

Decided: docs/decisions.md#events-for-programs
"""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.documents.events import EventFile, expect_place, json_schema, line
from reconciler.errors import DocumentError
from reconciler.model import (
    Action,
    Address,
    Applied,
    Blocker,
    ChangeReceipt,
    RedisStep,
    SqlStep,
    StepReceipt,
    Verdict,
)
from reconciler.model.event import (
    Done,
    Event,
    Finished,
    Noted,
    Planned,
    PlannedChange,
    Progress,
    Started,
    Step,
    StepState,
    Waiting,
)
from reconciler.secrets import Secrets

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VALID = Draft202012Validator(json_schema())


def every(text: str) -> list[Event]:
    """One event of each type, with `text` wherever there is room for text of others."""
    address = Address("main", "pg_index", text or "i")
    sql = SqlStep(statements=(f"create index on t (a) where b = '{text}'",), on_failure=(text,))
    receipt = ChangeReceipt(
        address=address, action=Action.CREATE, before={"value": text, text: [text]}, after=None,
        inverse=(RedisStep(command=("CONFIG", "SET", text)),), result=Applied.APPLIED, message=text,
        steps=(StepReceipt(step=sql, seconds=1.5),),
    )  # fmt: skip
    blocker = Blocker(pid=1, user=text, application=text, state="active", query=text, seconds=1.0)
    return [
        Planned(at=AT, plan_digest="0" * 64, changes=(PlannedChange(address=address, action=Action.CREATE),)),
        Started(at=AT, address=address, action=Action.CREATE),
        Step(at=AT, address=address, state=StepState.FAILED, number=1, of=1, step=sql, seconds=0.1, message=text),
        Progress(at=AT, address=address, phase=text, fraction=0.5),
        Waiting(at=AT, address=address, phase=text, blockers=(blocker,)),
        Finished(at=AT, address=address, receipt=receipt),
        Noted(at=AT, target="main", line=text),
        Done(at=AT, plan_digest="0" * 64, remaining=(address,), waiting=(), verdict=Verdict.DIFFERS, succeeded=False),
    ]


def texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield key
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


def test_the_schema_is_one_and_knows_every_type():
    Draft202012Validator.check_schema(json_schema())
    assert len(every("x")) == len(json_schema()["oneOf"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(min_size=1, max_size=20))
def test_every_event_is_one_line_that_fits_the_schema(text):
    for event in every(text):
        written = line(event, Secrets({}))
        assert written.isascii()
        assert written.splitlines() == [written[:-1]]
        assert [error.message for error in VALID.iter_errors(json.loads(written))] == []


def test_what_a_later_version_adds_fits_as_well_and_another_major_does_not():
    event = json.loads(line(every("x")[0], Secrets({})))
    assert VALID.is_valid(event | {"format_version": "1.7", "new": 1})
    assert not VALID.is_valid(event | {"format_version": "2.0"})
    assert not VALID.is_valid({key: value for key, value in event.items() if key != "type"})


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secret=st.text(min_size=4, max_size=30).filter(lambda text: text.strip() and text not in "(sensitive)"))
@pytest.mark.parametrize("spelled", [str, lambda secret: json.dumps(secret)[1:-1]], ids=["raw", "json"])
def test_a_known_secret_is_in_no_text_of_any_event(secret, spelled):
    secrets = Secrets({})
    secrets.remember(secret)
    words = set(texts(json_schema()))
    for event in every(f"-- {spelled(secret)} --"):
        told = json.loads(line(event, secrets))
        held = [text for text in texts(told) if secret in text.replace("(sensitive)", "") and text not in words]
        assert held == []
        assert [error.message for error in VALID.iter_errors(told) if error.validator != "format"] == []


@pytest.mark.parametrize("secret", ["type", "done", "failed", "address", "create", '","at":"'])
def test_a_secret_that_is_a_word_of_ours_leaves_lines_that_can_be_read(secret):
    secrets = Secrets({})
    secrets.remember(secret)
    for event in every(f"with {secret} in it"):
        told = json.loads(line(event, secrets))
        assert VALID.is_valid(told)
        assert f"with {secret} in it" not in set(texts(told))


def test_each_line_is_there_at_once_and_the_file_is_its_owners(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_text("of yesterday")
    path.unlink()
    file = EventFile(path, Secrets({}))
    for number, event in enumerate(every("x"), 1):
        file(event)
        assert len(path.read_text().splitlines()) == number
    file.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file.unwritten == ""


def test_a_file_that_exists_is_written_anew(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_text("of yesterday\n")
    file = EventFile(path, Secrets({}))
    file(every("x")[0])
    file.close()
    [only] = path.read_text().splitlines()
    assert json.loads(only)["type"] == "planned"


def test_a_disk_that_gets_full_leaves_whole_lines_and_is_told_at_the_end(tmp_path, monkeypatch):
    """The second line goes half-way; the third would have room again, and is not written: none is missing between."""
    path, write, calls = tmp_path / "events.ndjson", os.write, []

    def filling(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 2:
            return write(descriptor, data[:10])
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", filling)
    file = EventFile(path, Secrets({}))
    for event in every("x"):
        file(event)
    file.close()
    assert [json.loads(each)["type"] for each in path.read_text().splitlines()] == ["planned"]
    assert file.unwritten == f"{path} does not hold all events: No space left on device"


def test_a_device_without_room_raises_nothing():
    file = EventFile(Path("/dev/full"), Secrets({}))
    for event in every("x"):
        file(event)
    file.close()
    assert file.unwritten == "/dev/full does not hold all events: No space left on device"


def test_a_pipe_is_written_as_it_is(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    with pytest.raises(DocumentError, match="nobody reads"):
        EventFile(pipe, Secrets({}))
    opened = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = EventFile(pipe, Secrets({}))
    os.set_blocking(opened, True)
    reader = threading.Thread(target=lambda: read.append(os.fdopen(opened).read()))
    reader.start()
    for event in every("x"):
        file(event)
    file.close()
    reader.join()
    assert len(read[0].splitlines()) == len(every("x"))
    assert file.unwritten == ""


def test_events_take_the_place_of_no_plan_receipt_or_yaml(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    (tmp_path / "link").symlink_to(plan)
    for path in (plan, tmp_path / "link", tmp_path / "new.yaml"):
        with pytest.raises(DocumentError):
            expect_place(path, [plan])
    with pytest.raises(DocumentError):
        expect_place(tmp_path / "x" / ".." / "receipt.json", [tmp_path / "receipt.json"])
    expect_place(tmp_path / "events.ndjson", [plan, tmp_path / "receipt.json"])
