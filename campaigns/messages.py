"""What was composed, ready for the outbox: a table of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Messages:
    """Messages ready for the outbox, in the order of their decisions: arrays of one length.

    `row`: positions of the decisions, ascending; `parts` and `offers`: the words and what is offered, as JSON; `sms`: the
    words of an SMS once more, whose length has its price, and nothing for others.
    """

    row: np.ndarray
    message_id: np.ndarray
    locale: np.ndarray
    template: np.ndarray
    parts: np.ndarray
    offers: np.ndarray
    sms: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def only(self, kept: np.ndarray) -> Messages:
        """Those at these positions, or for which this array of truth values holds."""
        return Messages(*(getattr(self, each.name)[kept] for each in fields(self)))

    @classmethod
    def of(cls, columns: Sequence[Sequence[Sequence[Any]]]) -> Messages:
        """From lists: `columns` holds those of several groups, a list a field."""
        import numpy as np

        joined = [list(chain.from_iterable(each)) for each in zip(*columns, strict=True)] or [[]] * len(fields(cls))
        return cls(np.array(joined[0], dtype=np.intp), *(np.array(each, dtype=object) for each in joined[1:]))
