"""Ends the training of a library after so many seconds, by ending the batches that it is given."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Budget:
    """Counts the samples that pass, and lets no more pass once the time is over.

    size_of  a batch to the number of its samples
    """

    def __init__(self, seconds: float, size_of: Callable[[Any], int]) -> None:
        self._seconds = seconds
        self._size_of = size_of
        self.samples = 0

    def limit(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Give batches until the time is over; the time begins with the first."""
        end = None
        for batch in batches:
            yield batch
            self.samples += self._size_of(batch)
            now = time.perf_counter()
            end = end or now + self._seconds
            if now > end:
                return
