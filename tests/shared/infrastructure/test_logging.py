"""Logs carry the request's id and nobody's keys."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.web.logging import LogFormat, LogLevel, Redaction, set_up_logging
from shared.web.request_ids import current_request_id

KEY = 'canary-"key"\\1'
NAMES = ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "alembic")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    levels = {name: logging.getLogger(name).level for name in NAMES}
    yield io.StringIO()
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def set_up(stream: io.StringIO, format_: LogFormat, level: LogLevel = LogLevel.INFO) -> None:
    set_up_logging(level=level, format_=format_, redaction=Redaction([KEY]), stream=stream)


@pytest.mark.parametrize("format_", LogFormat)
def test_a_configured_key_never_reaches_the_log(stream: io.StringIO, format_: LogFormat) -> None:
    set_up(stream, format_)
    log = logging.getLogger("anything")

    log.info("got %s", KEY)
    log.info("got %r", [KEY])
    try:
        raise LookupError(KEY)
    except LookupError:
        log.exception("it failed")
    log.warning("postgresql+psycopg://me:hunter2@host/x and X-API-Key: hunter2 and api_key=hunter2&k=3")

    said = stream.getvalue()
    assert "canary" not in said and "hunter2" not in said
    assert "LookupError" in said and "me:***@host" in said and "k=3" in said


def test_json_lines_are_objects_with_the_request_id(stream: io.StringIO) -> None:
    set_up(stream, LogFormat.JSON)
    token = current_request_id.set("abc")
    logging.getLogger("one").warning("two\nlines")
    current_request_id.reset(token)

    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["request_id"], told["message"]) == (
        "WARNING",
        "one",
        "abc",
        "two\nlines",
    )


def test_the_level_decides_what_is_said(stream: io.StringIO) -> None:
    set_up(stream, LogFormat.PLAIN, LogLevel.WARNING)
    logging.getLogger("one").info("quiet")
    logging.getLogger("uvicorn.error").warning("loud")

    assert "quiet" not in stream.getvalue() and "loud" in stream.getvalue()


def test_the_servers_second_telling_of_an_error_is_left_out(stream: io.StringIO) -> None:
    set_up(stream, LogFormat.PLAIN)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n")

    assert stream.getvalue() == ""


@settings(deadline=None)
@given(secret=st.text(min_size=4).filter(lambda text: not set(text) <= {"*"}), around=st.text())
def test_redaction_hides_any_secret(secret: str, around: str) -> None:
    said = Redaction([secret])(f"{around}{secret}{around}")

    assert secret not in said.replace("***", "\0") or secret in around


def test_an_empty_secret_hides_nothing() -> None:
    assert Redaction([""])("a plain line") == "a plain line"
