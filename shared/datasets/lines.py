"""From a file to lines of fields: decompressed, decoded and split, with the number of every line."""

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.arrays import Rows
from shared.errors import BadInput, NotFound

FIELD_END = "\x1f"  # what every delimiter becomes; no text file has it
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Lines:
    """The lines of a text file, blank ones apart, with fields that end in FIELD_END.

    text      the whole file, each line ended by a newline
    starts    (n_lines,) byte at which a line starts
    ends      (n_lines,) byte after its last, the newline not included
    numbers   (n_lines,) its number in the file, from 1
    n_fields  (n_lines,) fields on it
    """

    text: bytes
    starts: Rows
    ends: Rows
    numbers: Rows
    n_fields: Rows

    def __len__(self) -> int:
        return len(self.starts)

    def fields(self, line: int) -> list[str]:
        """Give the fields of one line, without the blanks around them."""
        return [field.strip() for field in self._bytes(line).decode().split(FIELD_END)]

    def _bytes(self, line: int) -> bytes:
        return self.text[self.starts[line] : self.ends[line]]

    def text_of(self, keep: NDArray[np.bool_]) -> bytes:
        """Give the text of some lines: the file itself where all are kept."""
        if keep.all() and len(self) == self.text.count(b"\n"):
            return self.text
        return b"".join(self._bytes(line) + b"\n" for line in np.flatnonzero(keep).tolist())

    def after_first(self) -> "Lines":
        """Leave the first line out."""
        return Lines(self.text, self.starts[1:], self.ends[1:], self.numbers[1:], self.n_fields[1:])


def read_text(path: Path) -> bytes:
    """Give the text of a plain or gzip file: UTF-8, no byte order mark, each line ended by a newline.

    Raises NotFound if there is no such file, and BadInput if it is a folder, cannot be opened, is a damaged
    or truncated gzip, is not UTF-8, or holds bytes that no text has.
    """
    raw = _content(path)
    if raw.startswith(_GZIP_MAGIC) or path.suffix == ".gz":
        raw = _decompressed(raw, path)
    _check_text(raw, path)
    raw = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    return raw if raw.endswith(b"\n") or not raw else raw + b"\n"


def split_lines(text: bytes, delimiter: str, *, quotes: bool) -> Lines:
    """Find lines and fields.

    quotes   True: a field may stand in double quotes, delimiters and all, but ends on its own line
    """
    if quotes and b'"' in text:
        text = _unquoted(text, delimiter)
    else:
        text = text.replace(delimiter.encode(), FIELD_END.encode())
    found = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(found == ord("\n"))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1])[: len(ends)]
    filled = np.flatnonzero(ends > starts)
    delimiters = np.add.reduceat(found == ord(FIELD_END), starts, dtype=np.int64) if len(starts) else starts
    return Lines(text, starts[filled], ends[filled], filled + 1, delimiters[filled] + 1)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path.name} in {path.parent}; check the path") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path.name} is a folder; name a file in it") from error
    except OSError as error:
        raise BadInput(f"{path.name} cannot be opened: {error.strerror}; check its permissions") from error


def _decompressed(raw: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(raw)
    except EOFError as error:
        raise BadInput(f"{path.name} is a truncated gzip file; copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(
            f"{path.name} is not a sound gzip file ({error}); copy or download it again"
        ) from error


def _check_text(raw: bytes, path: Path) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path.name} is not UTF-8 text (line {line}); convert it to UTF-8") from error
    for byte in (b"\x00", FIELD_END.encode()):
        if byte in raw:
            line = raw.count(b"\n", 0, raw.index(byte)) + 1
            raise BadInput(f"{path.name} is not a text file (byte {byte[0]:#04x} in line {line})")


def _unquoted(text: bytes, delimiter: str) -> bytes:
    """Unquote the lines that have a quote in them, one by one; the others are only split."""
    return "\n".join(
        FIELD_END.join(next(csv.reader([line], delimiter=delimiter), []))
        if '"' in line and len(delimiter) == 1
        else line.replace(delimiter, FIELD_END)
        for line in text.decode().split("\n")
    ).encode()
