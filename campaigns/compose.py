"""From decisions to messages: offers, words, and the gateway's last look at them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast
from zoneinfo import ZoneInfo

from campaigns.decide import Decisions, Rules
from campaigns.definition import Campaign, Offers
from campaigns.gate import Verdict
from channels.contract import MEDIA
from channels.inspection import finish, inspect

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

    from templates import Library
    from triggers.trigger import Columns

SCOPES = {
    "customer": ("customers", "customer_id", "customer_id"),
    "policy": ("policies", "policy_id", "policy_id"),
    "claim": ("claims", "claim_id", "claim_id"),
    "event": ("events", "event_id", "event_id"),
    "alert": ("alerts", "alert_id", "alert_id"),
}
"""Name in a template -> view, its key, the moment's column that holds it."""
OFFER_NAMES = ("offer.name", "offer.reason", "offer.product_id", "offers")


class Recommender(Protocol):
    """What compose needs of a fitted model."""

    @property
    def version(self) -> str:
        """Which fitted model it is."""
        ...

    def top(
        self,
        db: duckdb.DuckDBPyConnection,
        customers: pa.Table,
        *,
        kind: Literal["insurance", "service"] | None,
        top: int,
        now: datetime,
        only: Collection[str] | None = None,
    ) -> pa.Table:
        """customer_id, rank, product_id, name, reason, probability, score, model; best first."""
        ...


@dataclass(frozen=True)
class Words:
    """Where words come from: the library, the insurer's constants (`insurer.name` ...), links, languages, signature.

    A constant that differs by language is a mapping from locale to value; blank ones are left out, so that lint finds
    templates that need them.
    """

    library: Library
    locales: Sequence[str]
    constants: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""

    def constants_in(self, locale: str) -> dict[str, object]:
        """The constants in one language, the first language's where there is none."""
        chosen = {
            name: value.get(locale, next(iter(value.values()))) if isinstance(value, Mapping) else value
            for name, value in self.constants.items()
        }
        return {name: value for name, value in chosen.items() if value not in (None, "")}

    def locale_of(self, wanted: str | None) -> str:
        """The workspace's language nearest to the customer's: same, same language, or the first."""
        return _nearest_locale(wanted or "", tuple(self.locales))


@lru_cache(maxsize=4096)
def _nearest_locale(wanted: str, locales: tuple[str, ...]) -> str:
    if wanted in locales:
        return wanted
    language = wanted.replace("_", "-").split("-")[0].lower()
    return next((locale for locale in locales if language and locale.split("-")[0].lower() == language), locales[0])


@dataclass
class Reservation:
    """A message ready for the outbox."""

    row: int
    message_id: str
    locale: str
    template: str
    parts: dict[str, str]
    offers: list[dict[str, Any]]


def compose(
    db: duckdb.DuckDBPyConnection,
    columns: Columns,
    decisions: Decisions,
    campaign: Campaign,
    words: Words,
    recommender: Recommender | None,
    rules: Rules,
    now: datetime,
) -> list[Reservation]:
    """Render every decision to send. One that cannot be rendered, offered or accepted becomes a refusal with its reason."""
    import numpy as np

    table = decisions.table
    sending = np.flatnonzero(table["verdict"].to_numpy() == Verdict.PASS)
    if not len(sending):
        return []
    languages = [words.locale_of(value if isinstance(value, str) else None) for value in table["locale"]]
    table["language"] = languages
    offers = _offers(db, decisions, sending, campaign, recommender, now)
    if campaign.offers:
        empty = np.array([not offers.get(customer) for customer in table["customer_id"].iloc[sending]], dtype=bool)
        _refuse(decisions, sending[empty], "no_offer", ["no offer"] * int(empty.sum()))
        sending = sending[~empty]
    messages: list[Reservation] = []
    groups = table.iloc[sending].groupby(["step", "medium", "language"], sort=True).indices
    for key, places in groups.items():
        step, medium, locale = (str(part) for part in cast(tuple[object, ...], key))
        rows, place = sending[np.asarray(places, dtype=np.intp)], (step, medium, locale)
        messages += _render(db, columns, decisions, rows, campaign, place, words, offers, rules, now)
    return sorted(messages, key=lambda message: message.row)


def _offers(
    db: duckdb.DuckDBPyConnection,
    decisions: Decisions,
    sending: np.ndarray,
    campaign: Campaign,
    recommender: Recommender | None,
    now: datetime,
) -> dict[str, list[dict[str, Any]]]:
    """Offers per customer, best first; empty where the campaign has no slot."""
    import pyarrow as pa

    if not campaign.offers or recommender is None:
        return {}
    chosen = decisions.table.iloc[sending].drop_duplicates("customer_id")
    customers = pa.table(
        {"customer_id": pa.array(chosen["customer_id"], pa.string()), "locale": pa.array(chosen["language"], pa.string())}
    )
    slot = campaign.offers
    found = recommender.top(db, customers, kind=slot.kind, top=slot.top, now=now, only=_products(db, slot))
    offers: dict[str, list[dict[str, Any]]] = {}
    for offer in found.to_pylist():
        offers.setdefault(offer.pop("customer_id"), []).append(offer)
    return offers


def _products(db: duckdb.DuckDBPyConnection, slot: Offers) -> list[str] | None:
    """Product ids the slot narrows the choice to; None where it does not."""
    if slot.line is None:
        return list(slot.only) or None
    found = db.execute("select product_id from products where line = $line order by 1", {"line": slot.line}).fetchall()
    return [product for (product,) in found if not slot.only or product in slot.only]


def _render(
    db: duckdb.DuckDBPyConnection,
    there: Columns,
    decisions: Decisions,
    rows: np.ndarray,
    campaign: Campaign,
    group: tuple[str, str, str],
    words: Words,
    offers: dict[str, list[dict[str, Any]]],
    rules: Rules,
    now: datetime,
) -> list[Reservation]:
    from templates import Draft

    step, medium, locale = group
    parts = MEDIA[medium].parts
    template = campaign.send_step(step)[1].send.template
    used = [name for name in words.library.uses(template, locale, parts) if _in_views(name, there)]
    ids, columns = _columns(db, decisions, rows, campaign, (step, medium), used, words)
    offered = [offers.get(customer, []) for customer in decisions.table["customer_id"].iloc[rows]]
    if campaign.offers:
        columns |= _offer_columns(offered)
    constants = _constants(campaign, words, locale, rules.timezone, now)
    drafts = words.library.compose(template, locale, parts, columns, {k: v for k, v in constants.items() if k not in columns})
    profile, addresses = rules.profiles[medium], decisions.table["address"].to_numpy(object)
    messages, failed, refused = [], [], []
    for row, message_id, draft, shown in zip(rows.tolist(), ids, drafts, offered, strict=True):
        if not isinstance(draft, Draft):
            failed.append((row, f"{draft.message} ({locale}/{template}:{draft.line})"))
            continue
        finished = finish(profile, draft.parts, campaign.purpose, words.signature, locale=locale, address=addresses[row])
        objections = inspect(
            profile, medium, campaign.purpose, finished, locale=locale, signature=words.signature, address=addresses[row]
        )
        if objections:
            refused.append((row, objections[0].words))
            continue
        messages.append(Reservation(row, message_id, locale, template, finished, shown))
    _refuse(decisions, _places(failed), "template_failed", [seen for _, seen in failed])
    _refuse(decisions, _places(refused), "content_refused", [seen for _, seen in refused])
    return messages


def _in_views(name: str, there: Columns) -> bool:
    """Whether a dotted name is a column; one that is not is a constant, or optional and left out."""
    scope, _, column = name.partition(".")
    return scope in SCOPES and column in there[SCOPES[scope][0]]


def _places(found: list[tuple[int, str]]) -> np.ndarray:
    import numpy as np

    return np.array([row for row, _ in found], dtype=np.int64)


def _columns(
    db: duckdb.DuckDBPyConnection,
    decisions: Decisions,
    rows: np.ndarray,
    campaign: Campaign,
    place: tuple[str, str],
    used: Sequence[str],
    words: Words,
) -> tuple[list[str], dict[str, Sequence[object]]]:
    """Message ids and the columns the template uses, for these rows, from one query over the views."""
    import pyarrow as pa

    step, medium = place
    frame = decisions.table.iloc[rows]
    keys = ["customer_id", "subject", "occasion", "policy_id", "claim_id", "event_id", "alert_id"]
    batch = pa.table({"place": pa.array(range(len(rows)), pa.int64()), **{key: pa.array(frame[key], pa.string()) for key in keys}})
    db.register("drafting", batch)
    names = sorted(used)
    joined = sorted({name.split(".")[0] for name in names})
    selected = "".join(f', {name.split(".")[0]}."{name.split(".")[1]}" as "{name}"' for name in names)
    joins = "".join(
        f" left join {SCOPES[scope][0]} {scope} on {scope}.{SCOPES[scope][1]} = d.{SCOPES[scope][2]}" for scope in joined
    )
    sql = f"""select md5(concat_ws(chr(31), $campaign, d.customer_id, d.subject, d.occasion, $step, $medium)) as message_id{selected}
                from drafting d{joins} order by d.place"""  # noqa: S608 - names checked by lint, values are parameters
    found = db.sql(sql, params={"campaign": campaign.name, "step": step, "medium": medium}).to_arrow_table()
    columns: dict[str, Sequence[object]] = {name: found[name].to_pylist() for name in names}
    ids: list[str] = found["message_id"].to_pylist()
    columns["message.id"] = ids
    for name, pattern in words.links.items():
        if "{message_id}" in pattern:
            columns[f"links.{name}"] = [pattern.replace("{message_id}", message_id) for message_id in ids]
    return ids, columns


def _offer_columns(offered: list[list[dict[str, Any]]]) -> dict[str, Sequence[object]]:
    first = [shown[0] for shown in offered]
    columns: dict[str, Sequence[object]] = {
        f"offer.{name}": [offer[name] for offer in first] for name in ("name", "reason", "product_id")
    }
    return {**columns, "offers": offered}


def _constants(campaign: Campaign, words: Words, locale: str, timezone: str, now: datetime) -> dict[str, object]:
    title = campaign.title.get(locale) or next(iter(campaign.title.values()))
    today: date = now.astimezone(ZoneInfo(timezone)).date()
    links = {f"links.{name}": target for name, target in words.links.items()}
    return {**words.constants_in(locale), **links, "campaign.name": title, "today": today}


def _refuse(decisions: Decisions, rows: np.ndarray, reason: str, seen: list[str]) -> None:
    """Turn decisions to send into refusals by the gateway gate, the value seen added to the trace."""
    table = decisions.table
    if not len(rows):
        return
    index = table.index[rows]
    table.loc[index, "verdict"] = Verdict.REFUSE.value
    table.loc[index, "gate"] = "gateway"
    table.loc[index, "reason"] = reason
    traces = [_with_reason(trace, reason, value) for trace, value in zip(table.loc[index, "trace"], seen, strict=True)]
    table.loc[index, "trace"] = traces


def _with_reason(trace: str, reason: str, seen: str) -> str:
    entries = json.loads(f"[{trace}]")
    entries[-1][1] = reason
    entries[-1][2][-1] = seen
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))[1:-1]
