"""Logs on standard error, plain or one JSON object a line, with the request's id and without any keys."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from shared.web.request_ids import current_request_id

_HIDDEN = "***"
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
_KEY_BY_NAME = re.compile(
    r"(?i)\b(x-api-key|api[_-]?key|authorization)(['\"]?\s*[:=]\s*['\"]?)((?:bearer )?[^\s'\",&]+)"
)


class LogFormat(StrEnum):
    """What a line of the log looks like."""

    PLAIN = "plain"
    JSON = "json"


class LogLevel(StrEnum):
    """What is worth a line."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Redaction:
    """Hides secrets in text: those it was told, passwords in URLs, and what follows the name of a key."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide one more secret from now on; an empty one is no secret."""
        written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]} - {""}
        # a secret that contains another goes first
        self._secrets = sorted({*self._secrets, *written}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Give the text with its secrets hidden."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        text = _PASSWORD_IN_URL.sub(rf"\1:{_HIDDEN}@", text)
        return _KEY_BY_NAME.sub(rf"\1\2{_HIDDEN}", text)


def set_up_logging(
    *, level: LogLevel, format_: LogFormat, redaction: Redaction, stream: TextIO | None = None
) -> None:
    """Send every logger's lines, the server's included, to standard error or a stream.

    level  what RECLEAK_LOG_LEVEL says; the caller reads its settings
    """
    formatter = _Redacted(_JsonLines(redaction) if format_ is LogFormat.JSON else _Plain(), redaction)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(_is_not_told_twice)
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


class _Redacted(logging.Formatter):
    """The last word on a line, traceback included."""

    def __init__(self, inner: logging.Formatter, redaction: Redaction) -> None:
        super().__init__()
        self._inner = inner
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction(self._inner.format(record))


class _Plain(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:7} {request_id} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = current_request_id.get()
        return super().format(record)


class _JsonLines(logging.Formatter):
    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": current_request_id.get(),
            "message": self._redaction(record.getMessage()),  # before JSON escapes it
        }
        if record.exc_info:
            line["traceback"] = self._redaction(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _is_not_told_twice(record: logging.LogRecord) -> bool:
    """The problem handler has logged it already, with the request's id."""
    return not record.getMessage().startswith("Exception in ASGI application")
