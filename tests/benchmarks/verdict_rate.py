"""How quickly verdicts came, by what the database says of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import Detection


@dataclass(frozen=True)
class Verdicts:
    """When each was recorded, in order (all of a batch at the same microsecond), and how many have which label."""

    times: tuple[datetime, ...]
    labels: Counter[str]

    @property
    def rate(self) -> float:
        """Verdicts a second in the middle of the work: after the batch that completes its first quarter, up to the one that
        completes the third.

        Neither loading the model nor the first calls of the network count, and as much is decoded ahead at the end of that
        stretch as at its beginning. From the first verdict to the last, what was decoded ahead before the first would be for
        nothing: with 120 photos and one batch of 14 ahead, an eighth of all. The difference of two sizes would hold the noise
        of two starts. Raises ValueError when all of that is one batch.
        """
        began, ended = self.times[len(self.times) // 4], self.times[3 * len(self.times) // 4]
        if began == ended:
            raise ValueError(f"{len(self.times)} verdicts in too few batches to tell a rate by: take more pictures")
        return sum(began < time <= ended for time in self.times) / (ended - began).total_seconds()


def verdicts_in(database: Database) -> Verdicts:
    """All that are there."""
    with database.read() as session:
        rows = session.execute(select(Detection.scanned_at, Detection.label).order_by(Detection.scanned_at)).all()
    return Verdicts(tuple(time for time, _ in rows), Counter(label for _, label in rows))
