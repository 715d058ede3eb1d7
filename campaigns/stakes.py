"""What is at stake for moments that compete: their class, what they may be worth, the channels left to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaigns.definition import Campaign
from campaigns.policy import PURPOSES, ContactPolicy, Purpose

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PRIORITIES = ("high", "normal", "low")
COLUMNS = ("propensity", "value", "uplift", "expected")


@dataclass(frozen=True)
class Stakes:
    """`table`: moment_id, the factors and `expected`, `rivals` (how many compete), `channels` (`,sms,push,`; null = any).

    `classes`: class of every campaign that runs, the lowest number first.
    """

    table: pa.Table
    classes: Mapping[str, int] = field(default_factory=dict)


def class_of(purpose: Purpose, priority: str = "normal") -> int:
    """A class as a number: the priority first, then the purpose; the lower goes first."""
    return PRIORITIES.index(priority) * len(PURPOSES) + PURPOSES.index(purpose)


def classes_of(campaigns: Sequence[Campaign]) -> dict[str, int]:
    """The class of each campaign."""
    return {each.name: class_of(each.purpose, each.arbitrate.priority) for each in campaigns}


def competes(campaign: Campaign, policy: ContactPolicy) -> bool:
    """Whether its messages compete with others of the same customer; contract notices never do."""
    return policy.arbitrate is not None and campaign.purpose in policy.arbitrate.purposes


def stakes_of(moments: pd.DataFrame, classes: Mapping[str, int]) -> Stakes:
    """From the columns moment_id, COLUMNS, rivals, channels."""
    import pyarrow as pa

    kinds = [pa.float64()] * len(COLUMNS) + [pa.int64(), pa.string()]
    names = [*COLUMNS, "rivals", "channels"]
    columns = {n: pa.array(moments[n], k, from_pandas=True) for n, k in zip(names, kinds, strict=True)}
    return Stakes(pa.table({"moment_id": pa.array(moments["moment_id"], pa.int64()), **columns}), classes)


def nothing_at_stake(classes: Mapping[str, int]) -> Stakes:
    """Nobody has a rival."""
    import pandas as pd

    return stakes_of(pd.DataFrame({n: [] for n in ("moment_id", *COLUMNS, "rivals", "channels")}), classes)
