"""What a gate is: it names the evidence it needs and judges a table of moments, all rows at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd

    from campaigns.budgets import Spent
    from campaigns.contacts import Contacts
    from campaigns.definition import Campaign
    from campaigns.docket import Docket
    from campaigns.policy import ContactPolicy
    from campaigns.stakes import Stakes
    from campaigns.steps import SendStep
    from channels.contract import Medium, Profile
    from triggers.workdays import Calendar


class Verdict(IntEnum):
    """What a gate, and in the end the decision, says of one moment."""

    PASS = 0
    REFUSE = 1
    HOLD = 2
    HOLD_OUT = 3
    EXPIRE = 4
    RETRACT = 5
    SKIP = 6
    """This step is not for the moment; it goes on to the next one."""

    @property
    def status(self) -> str:
        """What a decision is called; but for `skipped` the status of a moment decided so, as in the conservation law."""
        return ("sent", "refused", "held", "held_out", "expired", "retracted", "skipped")[self]


@dataclass(frozen=True)
class Case:
    """What moments heard alike have in common: one campaign, one step, one channel, one instant."""

    campaign: Campaign
    step: SendStep
    medium: Medium
    profile: Profile
    policy: ContactPolicy
    now: datetime
    timezone: str
    path: str
    calendar: Calendar
    prices: Mapping[str, float] = field(default_factory=dict)
    """What a message costs on each channel; an SMS, each of its parts."""
    spent: Spent | None = None
    """What the insurer's days have taken of the budgets so far; None where nobody asks."""
    nothing_told: bool = False
    """None of the customers has opted out, told Kairos itself anything, or is on a list: nobody need look there."""
    stakes: Stakes | None = None
    """What is at stake for moments that compete; None where nobody asks."""


@dataclass
class Judgement:
    """A gate's answer. Arrays are as long as the table.

    `verdict`: int8 of `Verdict`; `reason`: reason code or ""; `seen`: the value that mattered, as text; `changes`: new columns
    for the rows that pass (send times); `until`: when a held row may be asked again.
    """

    verdict: np.ndarray
    reason: np.ndarray
    seen: np.ndarray
    changes: Mapping[str, Any] = field(default_factory=dict)
    until: np.ndarray | None = None
    final: bool | np.ndarray = False
    """A refusal here ends the matter even where the gate's scope is the channel; for all rows or row by row."""


class Gate(ABC):
    """Base of all gates."""

    name: ClassVar[str]
    order: ClassVar[int]
    scope: ClassVar[Literal["moment", "channel"]] = "moment"
    """`channel`: a refusal only means this channel; the step's next one is tried."""
    stands: ClassVar[bool] = False
    """Asked again of messages that are reserved and have not gone yet; whatever it does not pass is withdrawn."""
    reasons: ClassVar[Mapping[str, str]]
    """Every reason code this gate can give, with what it means."""

    def applies(self, case: Case) -> bool:
        """Whether this gate has anything to say about such moments; one that has not is neither asked nor traced."""
        return True

    def constants(self, case: Case) -> Mapping[str, Any]:
        """What the evidence needs of a case, as further columns of `batch`."""
        return {}

    def prepare(self, db: duckdb.DuckDBPyConnection, docket: Docket) -> None:
        """Lay small tables of its own out beside `batch`, which the evidence then joins."""
        return None

    def evidence(self, docket: Docket) -> str | None:
        """SQL giving `place` and this gate's columns, from the views, `batch` and what `recall` lays out.

        `batch` holds rows of all cases of the docket: `place` names a row, and `campaign`, `purpose`, `medium`, `case_number` and
        what `constants` says are columns. Parameters `$now`, `$salt` and those of `parameters` are there to use. None:
        nothing needed.
        """
        return None

    def parameters(self, docket: Docket) -> Mapping[str, Any]:
        """Further named parameters of the evidence."""
        return {}

    def recount(self, table: pd.DataFrame, contacts: Contacts, docket: Docket) -> Mapping[str, Any]:
        """Columns that change as others are decided, counted anew at each hearing for the rows of `table`."""
        return {}

    @abstractmethod
    def rule(self, case: Case) -> str:
        """What is asked of moments of this case, in words: it stands in the trace."""

    @abstractmethod
    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Judge every row of `table`, which holds the batch's columns, `case_number`, and those of `evidence` and `recount`.

        Rows are of several cases: `docket.of` says what each row's has to say. But for gates that `stands`, which do not count
        rows, a customer's rows are all of one case.
        """


def judged(
    table: pd.DataFrame,
    checks: list[tuple[str, Any, Any]],
    verdict: Verdict = Verdict.REFUSE,
    seen: Any = "",
) -> Judgement:
    """A judgement from checks `(reason, rows it hits, value seen)`.

    The first check that hits a row counts; the rest pass with `seen`.
    """
    import numpy as np

    size = len(table)
    verdicts = np.zeros(size, dtype=np.int8)
    reasons = np.full(size, "", dtype=object)
    values = np.full(size, "", dtype=object)
    values[:] = seen
    for reason, hits, value in checks:
        rows = np.asarray(hits, dtype=bool) & (verdicts == Verdict.PASS)
        verdicts[rows] = verdict
        reasons[rows] = reason
        values[rows] = np.asarray(value, dtype=object)[rows] if not isinstance(value, str) else value
    return Judgement(verdicts, reasons, values)
