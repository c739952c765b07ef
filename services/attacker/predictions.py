"""What an attack says of each user, out of the stored scores; pages and lines, never all of it at once."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.attacker.evidence import Scored
from shared.contract.attacker import Prediction, PredictionPage
from shared.errors import BadInput

_CURSOR = re.compile(r"r[0-9a-f]{1,12}")
_LINES = 1_000  # lines of CSV that are sent at once


@dataclass(frozen=True)
class Predictions:
    """Users, and their scores in the same order."""

    user_ids: tuple[str, ...]
    scored: Scored

    def page(self, cursor: str | None, limit: int) -> PredictionPage:
        """Give a page. Raises BadInput for a cursor that is none of ours."""
        start = _row_at(cursor)
        end = min(start + limit, len(self.user_ids))
        following = f"r{end:x}" if end < len(self.user_ids) else None
        return PredictionPage(predictions=tuple(self._some(start, end)), next_cursor=following)

    def lines(self) -> Iterator[str]:
        """Give CSV in blocks of lines, the header first; scores keep all their digits."""
        yield "user_id,score,is_member\r\n"
        for start in range(0, len(self.user_ids), _LINES):
            block = io.StringIO()
            writer = csv.writer(block)
            for one in self._some(start, min(start + _LINES, len(self.user_ids))):
                writer.writerow([one.user_id, repr(one.score), "true" if one.is_member else "false"])
            yield block.getvalue()

    def _some(self, start: int, end: int) -> Iterator[Prediction]:
        threshold = self.scored.threshold
        assert threshold is not None  # every attack model has one
        for user_id, score in zip(
            self.user_ids[start:end], self.scored.scores[start:end].tolist(), strict=True
        ):
            yield Prediction(user_id=user_id, score=score, is_member=score > threshold)


def _row_at(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not _CURSOR.fullmatch(cursor):
        raise BadInput("the cursor is not one that this service gave; begin without one")
    return int(cursor[1:], 16)
