"""What a template sees: columns of the views the moment points at, the insurer's constants, links, offers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.definition import Campaign
from campaigns.scene import Scene, Words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from triggers.trigger import Columns as ViewColumns

SCOPES = {
    "customer": ("customers", "customer_id"),
    "policy": ("policies", "policy_id"),
    "claim": ("claims", "claim_id"),
    "event": ("events", "event_id"),
    "alert": ("alerts", "alert_id"),
}
"""Name in a template -> view, and its key, which the moment holds under the same name."""
Columns = dict[str, Sequence[object]]
"""Dotted name -> values, one a message."""
MESSAGE_ID = "message.id"
OFFER_NAMES = ("offer.name", "offer.reason", "offer.product_id", "offers")
KEYS = ("customer_id", "subject", "occasion", "policy_id", "claim_id", "event_id", "alert_id")


@dataclass(frozen=True)
class Group:
    """Messages rendered together: one campaign, step, channel and language."""

    campaign: Campaign
    step: str
    medium: str
    locale: str
    personal: bool = True
    """False: these customers refused personalisation."""

    @cached_property
    def template(self) -> str:
        """Name of the template of the step."""
        return self.campaign.send_step(self.step)[1].send.words(personal=self.personal)


def known_names(campaign: Campaign, columns: ViewColumns, words: Words) -> frozenset[str]:
    """The dotted names a template of this campaign may use."""
    names = {f"{scope}.{column}" for scope, (view, _) in SCOPES.items() for column in columns[view]}
    names |= {f"links.{name}" for name in words.links} | set(words.constants_in(words.locales[0]))
    names |= {MESSAGE_ID, "today", "campaign.name"}
    return frozenset(names | set(OFFER_NAMES) if campaign.offers and campaign.offers.shown else names)


def list_names(columns: ViewColumns) -> frozenset[str]:
    """The dotted names that hold lists."""
    found = {
        f"{scope}.{name}"
        for scope, (view, _) in SCOPES.items()
        for name, kind in columns[view].items()
        if kind.endswith("[]")
    }
    return frozenset(found | {"offers"})


def keys_of(campaign: Campaign, moments: pd.DataFrame, rows: np.ndarray) -> pa.Table:
    """What view columns are found by, of these rows of a campaign's moments: `campaign`, KEYS, step, medium."""
    import pyarrow as pa

    keys = {key: pa.array(moments[key], pa.string()).take(pa.array(rows)) for key in (*KEYS, "step", "medium")}
    return pa.table({"campaign": pa.repeat(campaign.name, len(rows)), **keys})


def view_columns(scene: Scene, keys: pa.Table, used: Collection[str]) -> pa.Table:
    """MESSAGE_ID and the view columns among `used`, a row for each of `keys`, in their order, from one query.

    The id is a hash of what makes the message unique, so that it is the same in every ledger and for ever.
    """
    import numpy as np

    scene.db.register("drafting", keys.append_column("place", [np.arange(keys.num_rows)]))
    names = sorted(name for name in used if _is_column(name, scene.facts.columns))
    scopes = sorted({name.partition(".")[0] for name in names})
    selected = "".join(f', {scope}."{column}" as "{scope}.{column}"' for scope, column in map(_split, names))
    joins = " ".join(
        f"left join {SCOPES[scope][0]} {scope} on {scope}.{SCOPES[scope][1]} = d.{SCOPES[scope][1]}" for scope in scopes
    )
    sql = f"""
        select md5(concat_ws(chr(31), d.campaign, d.customer_id, d.subject, d.occasion, d.step, d.medium)) as "{MESSAGE_ID}"{selected}
          from drafting d {joins} order by d.place"""  # noqa: S608 - names of columns that exist; no values
    found: pa.Table = scene.db.sql(sql).to_arrow_table()
    return found


def plain(table: pa.Table) -> Columns:
    """Columns as values of Python's, by name."""
    return {name: _values(table[name]) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> list[object]:
    """The values of a column; instants and dates take long to make and are often the same, so each is made once."""
    import numpy as np
    import pyarrow as pa

    if not pa.types.is_temporal(column.type):
        return list(column.to_pylist())
    encoded = column.combine_chunks().dictionary_encode()
    distinct = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return list(distinct[encoded.indices.fill_null(len(distinct) - 1).to_numpy()].tolist())


def message_columns(words: Words, ids: Sequence[object]) -> Columns:
    """The links the message's own id is part of."""
    own = {name: pattern for name, pattern in words.links.items() if "{message_id}" in pattern}
    return {
        f"links.{name}": [pattern.replace("{message_id}", str(each)) for each in ids] for name, pattern in own.items()
    }


def offer_columns(offered: Sequence[list[dict[str, Any]]]) -> Columns:
    """The best offer of each message, and the list of all."""
    names = ("name", "reason", "product_id")
    best: Columns = {f"offer.{name}": [shown[0][name] for shown in offered] for name in names}
    return {**best, "offers": offered}


def constants(scene: Scene, group: Group) -> dict[str, object]:
    """What is the same for all messages of a group."""
    title = group.campaign.title.get(group.locale) or next(iter(group.campaign.title.values()))
    today = scene.now.astimezone(ZoneInfo(scene.rules.timezone)).date()
    links = {f"links.{name}": pattern for name, pattern in scene.words.links.items() if "{message_id}" not in pattern}
    return {**scene.words.constants_in(group.locale), **links, "campaign.name": title, "today": today}


def _split(name: str) -> tuple[str, str]:
    scope, _, column = name.partition(".")
    return scope, column


def _is_column(name: str, columns: ViewColumns) -> bool:
    """Whether a dotted name is a column; one that is not is a constant, or optional and left out."""
    scope, column = _split(name)
    return scope in SCOPES and column in columns[SCOPES[scope][0]]
