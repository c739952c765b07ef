"""Lists as JSON, written by compiled loops from item ids whose JSON is made beforehand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as encode
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.compiled import compiled

NO_LIST = -1
"""The length of a list that is not there: `null`."""
_USERS_A_PART = 128  # some 80 kB of JSON: one write to a socket
_WORD = 8
_BEGIN, _END = b'{"recommendations":[', b"]}"


def _constant(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, dtype=np.uint8)


_USER, _ITEMS, _NULL = _constant(b'{"user_id":'), _constant(b',"items":'), _constant(b"null")
_COMMA, _OPEN, _CLOSE, _OUT = b",[]}"
_AROUND = len(_USER) + len(_ITEMS) + 1


@dataclass(frozen=True)
class BatchJson:
    """A `BatchAnswer`, made part by part while it is sent.

    n_bytes  of all parts together
    parts    yields them; each is made when it is asked for
    """

    n_bytes: int
    parts: Iterator[bytes]


@dataclass(frozen=True)
class ItemJson:
    """Every item's id as JSON with a comma behind it, in words of eight bytes: a loop copies words faster.

    words  (n_words,) uint64, by item row; the last of an item is filled up with zeros
    first  (n_items + 1,) int64, which word each item begins at
    sizes  (n_items,) int32, bytes of each, the comma included
    """

    words: NDArray[np.uint64]
    first: NDArray[np.int64]
    sizes: NDArray[np.int32]

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Write the ids down."""
        entries = [f"{encode(name)},".encode() for name in names]
        sizes = np.fromiter(map(len, entries), dtype=np.int32, count=len(entries))
        first = np.zeros(len(entries) + 1, dtype=np.int64)
        np.cumsum(-(-sizes // _WORD), out=first[1:])
        text = b"".join(entry.ljust(-(-len(entry) // _WORD) * _WORD, b"\0") for entry in entries)
        return cls(np.frombuffer(text, dtype="<u8"), first, sizes)

    def page(self, begin: int, end: int) -> bytes:
        """Give the ids of rows that follow each other, commas between them; none behind the last."""
        return self.join(np.arange(begin, min(end, len(self.sizes)), dtype=np.int32))

    def join(self, rows: NDArray[np.int32]) -> bytes:
        """Give the ids of some rows, (n,) int32, in their order, commas between them."""
        return _joined(rows, self.words, self.first, self.sizes).tobytes()[:-1]

    def batch(
        self,
        user_ids: Sequence[str],
        items: NDArray[np.int32],
        places: NDArray[np.int64],
        lengths: NDArray[np.int32],
    ) -> BatchJson:
        """Write the lists of some users.

        items    (any, k) int32, item rows, best first
        places   (n,) int64, which row of `items` each user gets; n >= 1
        lengths  (n,) int32, how many of its items; NO_LIST = `null`
        """
        names = [encode(user_id) for user_id in user_ids]
        sizes = _entry_sizes(items, places, lengths, self.sizes)
        sizes += np.fromiter(map(len, names), dtype=np.int64, count=len(names))
        return BatchJson(
            n_bytes=len(_BEGIN) + int(sizes.sum()) + len(names) - 1 + len(_END),
            parts=self._parts(names, items, places, lengths, sizes),
        )

    def _parts(
        self,
        names: Sequence[str],
        items: NDArray[np.int32],
        places: NDArray[np.int64],
        lengths: NDArray[np.int32],
        sizes: NDArray[np.int64],
    ) -> Iterator[bytes]:
        for first in range(0, len(names), _USERS_A_PART):
            some = slice(first, first + _USERS_A_PART)
            text = _constant("".join(names[some]).encode())
            ends = np.fromiter(map(len, names[some]), dtype=np.int64).cumsum()
            n_bytes = int(sizes[some].sum()) + len(ends)
            written = np.empty(n_bytes + _WORD, dtype=np.uint8)
            _write_entries(
                written, text, ends, items, places[some], lengths[some], self.words, self.first, self.sizes
            )
            entries = written[:n_bytes].tobytes()  # each with a comma behind it
            is_last = first + _USERS_A_PART >= len(names)
            yield (b"" if first else _BEGIN) + (entries[:-1] + _END if is_last else entries)


@compiled
def _joined(
    rows: NDArray[np.int32], words: NDArray[np.uint64], first: NDArray[np.int64], sizes: NDArray[np.int32]
) -> NDArray[np.uint8]:
    n_bytes = 0
    for row in rows:
        n_bytes += sizes[row]
    written = np.empty(n_bytes + _WORD, dtype=np.uint8)
    end = 0
    for row in rows:
        end = _put_words(written, end, words, first[row], sizes[row])
    return written[:n_bytes]


@compiled
def _entry_sizes(
    items: NDArray[np.int32],
    places: NDArray[np.int64],
    lengths: NDArray[np.int32],
    sizes: NDArray[np.int32],
) -> NDArray[np.int64]:
    """How long each entry is without the name of its user and without a comma behind it: (n,) int64."""
    found = np.empty(len(places), dtype=np.int64)
    for number in range(len(places)):
        n_bytes = _AROUND + (len(_NULL) if lengths[number] == NO_LIST else 2)
        for rank in range(lengths[number]):
            n_bytes += sizes[items[places[number], rank]]
        found[number] = n_bytes - (lengths[number] > 0)  # no comma behind the last
    return found


@compiled
def _write_entries(  # noqa: PLR0917 - compiled loops take arrays by position
    written: NDArray[np.uint8],
    names: NDArray[np.uint8],
    name_ends: NDArray[np.int64],
    items: NDArray[np.int32],
    places: NDArray[np.int64],
    lengths: NDArray[np.int32],
    words: NDArray[np.uint64],
    first: NDArray[np.int64],
    sizes: NDArray[np.int32],
) -> None:
    """Write entries with a comma behind each; up to a word behind them is overwritten."""
    end = 0
    for number in range(len(places)):
        end = _put(written, end, _USER, 0, len(_USER))
        end = _put(written, end, names, name_ends[number - 1] if number else 0, name_ends[number])
        end = _put(written, end, _ITEMS, 0, len(_ITEMS))
        if lengths[number] == NO_LIST:
            end = _put(written, end, _NULL, 0, len(_NULL))
        else:
            written[end] = _OPEN
            end += 1
            for rank in range(lengths[number]):
                row = items[places[number], rank]
                end = _put_words(written, end, words, first[row], sizes[row])
            end -= lengths[number] > 0
            written[end] = _CLOSE
            end += 1
        written[end] = _OUT
        written[end + 1] = _COMMA
        end += 2


@compiled
def _put(written: NDArray[np.uint8], end: int, text: NDArray[np.uint8], first: int, last: int) -> int:
    for place in range(last - first):
        written[end + place] = text[first + place]
    return end + last - first


@compiled
def _put_words(written: NDArray[np.uint8], end: int, words: NDArray[np.uint64], first: int, size: int) -> int:
    place = end
    while place < end + size:
        word = words[first]
        for byte in range(_WORD):  # one store: the compiler sees through it
            written[place + byte] = np.uint8(word >> np.uint64(8 * byte))
        place += _WORD
        first += 1
    return end + size
