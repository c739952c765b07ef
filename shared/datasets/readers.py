"""Readers of the official file formats: interactions, and a report of every row that was no good."""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shared.arrays import Bools
from shared.datasets.lines import FIELD_END, Lines, read_text, split_lines
from shared.errors import BadInput
from shared.interactions import Interactions

MAX_REPORTED = 20
MAX_ID_LENGTH = 256

Fault: TypeAlias = tuple[str, Bools]  # a reason, and the rows that have it


class Format(StrEnum):
    """How a file holds its interactions."""

    MOVIELENS = "movielens"  # user::item::rating::timestamp
    LASTFM = "lastfm"  # userID <tab> artistID <tab> weight, with a header
    AMAZON = "amazon"  # user,item,rating,timestamp
    CSV = "csv"  # user,item[,rating[,timestamp]], commas, tabs or semicolons, with or without a header


@dataclass(frozen=True)
class BadRow:
    """A row that was left out: its line in the file, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ReadReport:
    """What was read and what was not.

    path          the file
    n_rows        rows in it, good and bad; the header and blank lines are none
    n_bad         rows left out
    bad_rows      the first 20 of them
    n_duplicates  good rows that repeat a (user, item) pair; a pair counts once
    """

    path: Path
    n_rows: int
    n_bad: int
    bad_rows: tuple[BadRow, ...]
    n_duplicates: int


@dataclass(frozen=True)
class _Layout:
    delimiters: tuple[str, ...]  # the likeliest first
    n_fields: tuple[int, ...]
    numbers: tuple[str, ...]  # the fields after user and item, which must be numbers


_LAYOUTS = {
    Format.MOVIELENS: _Layout(("::",), (4,), ("rating", "timestamp")),
    Format.LASTFM: _Layout(("\t",), (3,), ("weight",)),
    Format.AMAZON: _Layout((",",), (4,), ("rating", "timestamp")),
    Format.CSV: _Layout((",", "\t", ";", "::"), (2, 3, 4), ("rating", "timestamp")),
}
_USER_WORDS = {"user", "userid", "uid", "reviewer", "reviewerid", "customer", "customerid", "listener"}
_ITEM_WORDS = {"item", "itemid", "iid", "asin"} | {
    word + ending for word in ("movie", "artist", "product", "track", "song", "book") for ending in ("", "id")
}


def read(path: Path, file_format: Format) -> tuple[Interactions, ReadReport]:
    """Read a file of interactions; `.gz` too. Whatever was rated or counted, an interaction is 1.

    A bad row has a wrong number of fields, an empty id, an id of more than 256 characters, or a rating,
    weight or timestamp that is no finite number. Ids lose the blanks around them.
    Raises NotFound if there is no file, BadInput if it is not sound text or gzip, if its header puts items
    before users, or if it has no good row.
    """
    layout = _LAYOUTS[file_format]
    text = read_text(path)
    lines = split_lines(text, _delimiter(text, layout, path), quotes=file_format is Format.CSV)
    lines = _without_header(lines, path)
    width = _width(lines, layout)
    of_width = lines.n_fields == width
    frame = _frame(lines.text_of(of_width), width)
    faults = _faults(frame, layout.numbers[: width - 2])
    good = ~np.logical_or.reduce([rows for _, rows in faults]) if len(frame) else np.zeros(0, dtype=np.bool_)
    n_good = int(good.sum())
    bad_rows = _bad_rows(lines, of_width, faults, width)
    if not n_good:
        raise BadInput(_nothing_good(path, bad_rows))
    interactions = Interactions.from_frame(frame[["user", "item"]][good])
    n_duplicates = n_good - interactions.n_interactions
    return interactions, ReadReport(path, len(lines), len(lines) - n_good, bad_rows, n_duplicates)


def _delimiter(text: bytes, layout: _Layout, path: Path) -> str:
    """Choose by extension, or else by what the first line has."""
    first = text.split(b"\n", 1)[0].decode()
    likeliest: tuple[str, ...] = ("\t",) if {".tsv", ".tab"} & set(path.suffixes) else ()
    candidates: list[str] = [d for d in (*likeliest, *layout.delimiters) if d in layout.delimiters]
    return next((d for d in candidates if d in first), candidates[0])


def _without_header(lines: Lines, path: Path) -> Lines:
    """Leave the first line out where its words say that it names columns."""
    words = (
        [field.lower().replace("_", "").replace(" ", "") for field in lines.fields(0)] if len(lines) else []
    )
    if len(words) < 2:
        return lines
    if words[0] in _ITEM_WORDS and words[1] in _USER_WORDS:
        raise BadInput(f"{path.name} has the item before the user; put the columns in the order user, item")
    named = words[0] in _USER_WORDS or words[1] in _ITEM_WORDS
    return lines.after_first() if named else lines


def _width(lines: Lines, layout: _Layout) -> int:
    """How many fields a row has: of the numbers allowed, the one that most lines have."""
    counts = [int((lines.n_fields == width).sum()) for width in layout.n_fields]
    return layout.n_fields[int(np.argmax(counts))]


def _frame(text: bytes, width: int) -> pd.DataFrame:
    """Parse lines of one width; the ids stripped of blanks, everything still text."""
    columns = ["user", "item", "third", "fourth"][:width]
    if not text:
        return pd.DataFrame(columns=columns, dtype=str)
    frame = pd.read_csv(
        BytesIO(text),
        sep=FIELD_END,
        names=columns,
        dtype=str,
        quoting=3,
        na_filter=False,
        lineterminator="\n",
    )
    return frame.assign(user=_stripped(frame["user"]), item=_stripped(frame["item"]))


def _stripped(column: "pd.Series[str]") -> "pd.Series[str]":
    """Strip each distinct id once; most columns have few."""
    codes, found = pd.factorize(column)
    names = np.array([str(name).strip() for name in found], dtype=object)
    return pd.Series(names[codes], index=column.index, dtype=str)


def _faults(frame: pd.DataFrame, numbers: tuple[str, ...]) -> list[Fault]:
    """Say which rows are bad and why; where a row has two faults the first counts."""
    faults: list[Fault] = []
    for who in ("user", "item"):
        length = frame[who].str.len().to_numpy(dtype=np.int64)
        faults.append((f"the {who} id is empty", length == 0))
        faults.append((f"the {who} id has more than {MAX_ID_LENGTH} characters", length > MAX_ID_LENGTH))
    for column, name in zip(frame.columns[2:], numbers, strict=True):
        faults.append((f"the {name} is not a number", ~np.isfinite(_numbers(frame[column]))))
    return faults


def _numbers(column: "pd.Series[str]") -> NDArray[np.float64]:
    parsed: NDArray[np.float64] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    return parsed


def _bad_rows(lines: Lines, of_width: Bools, faults: list[Fault], width: int) -> tuple[BadRow, ...]:
    """Report the first bad rows in the order of the file."""
    numbered = lines.numbers[of_width]
    found = [
        BadRow(int(lines.numbers[line]), f"{width} fields expected, {int(lines.n_fields[line])} found")
        for line in np.flatnonzero(~of_width)[:MAX_REPORTED].tolist()
    ]
    seen = np.zeros(len(numbered), dtype=np.bool_)
    for reason, rows in faults:
        first = np.flatnonzero(rows & ~seen)[:MAX_REPORTED]
        found += [BadRow(number, reason) for number in numbered[first].tolist()]
        seen = seen | rows
    return tuple(sorted(found, key=lambda row: row.line)[:MAX_REPORTED])


def _nothing_good(path: Path, bad_rows: tuple[BadRow, ...]) -> str:
    if not bad_rows:
        return f"{path.name} holds no rows; give a file with one interaction a line"
    reasons = "; ".join(f"line {row.line}: {row.reason}" for row in bad_rows[:3])
    return f"{path.name} holds no good row ({reasons}); check its format"
