"""The ledger as the rest of the package uses it: tables in, tables out, one transaction a call."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from campaigns.budgets import Spent
from campaigns.ledger.store import Store, open_store, whole
from campaigns.ledger.told import hash_table, told_table

if TYPE_CHECKING:
    import pyarrow as pa

    from campaigns.definition import Campaign

PENDING_COLUMNS = (
    "moment_id",
    "campaign",
    "customer_id",
    "subject",
    "occasion",
    "due_at",
    "policy_id",
    "claim_id",
    "event_id",
    "alert_id",
    "admitted_at",
    "status",
    "step",
    "step_due_at",
)
RIVALS = 20_000
"""Customers whose moments are laid side by side at once."""
INSTANTS = ("due_at", "admitted_at", "step_due_at")


def seconds(instant: datetime) -> int:
    """An instant as the ledger keeps it: whole seconds since 1970-01-01 UTC. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return int(instant.timestamp())


def instant(value: int) -> datetime:
    """The ledger's seconds as an instant in UTC."""
    return datetime.fromtimestamp(value, UTC)


@dataclass(frozen=True)
class History:
    """What the ledger knows of a batch's customers: Arrow tables `contacts`, `opt_outs` and `told` (instants in UTC).

    `deliveries`: what became of the last message of each moment that had one: moment_id, state, answered. `told`: what they
    said about being contacted. `do_not_contact`: the hashes of everybody whose data was erased. `spent`: what the insurer's
    days from the one asked about on have taken, of whomever.
    """

    contacts: pa.Table
    opt_outs: pa.Table
    deliveries: pa.Table
    told: pa.Table
    do_not_contact: pa.Table
    spent: Spent


@dataclass(frozen=True)
class Answers:
    """Whose messages are asked for, and which outcomes are an answer to one."""

    campaigns: Sequence[str]
    events: Sequence[str]


class Ledger:
    """Opened by path or URL. Every method that writes is one transaction."""

    def __init__(self, place: Path | str, *, durable: bool = True) -> None:
        self.store: Store = open_store(place, durable=durable)
        self._listed: pa.Table | None = None

    @whole
    def admit(self, campaign: Campaign, moments: pa.RecordBatch, now: datetime) -> int:
        """Let moments in; the unique key decides which are new. Returns how many were."""
        import pyarrow as pa
        import pyarrow.compute as pc

        due = pc.divide(pc.cast(pc.cast(moments["due_at"], pa.timestamp("us", "UTC")), pa.int64()), 1_000_000)
        texts = [moments[name].to_pylist() for name in ("customer_id", "subject", "occasion")]
        links = [moments[name].to_pylist() for name in ("policy_id", "claim_id", "event_id", "alert_id")]
        size, at, first = moments.num_rows, seconds(now), campaign.sends[0].send.key
        dues = due.to_pylist()
        columns = [[campaign.name] * size, *texts, dues, *links, [at] * size, [first] * size, dues, [at] * size]
        with self.store.transaction():
            return self.store.many("admit", zip(*columns, strict=True))

    def count_awake(self, campaigns: Iterable[str], now: datetime) -> int:
        """How many customers have a moment of these campaigns that wants a decision now."""
        row = self.store.one("count_awake", campaigns=json.dumps(list(campaigns)), now=seconds(now))
        return int(row[0]) if row else 0

    def awake(self, campaigns: Iterable[str], now: datetime, size: int) -> Iterator[list[str]]:
        """Customers with a moment of these campaigns that wants a decision now, `size` at a time, by id."""
        asked = {"campaigns": json.dumps(list(campaigns)), "now": seconds(now), "limit": size}
        after = ""
        while found := self.store.all("customers_awake", after=after, **asked):
            after = found[-1][0]
            yield [customer for (customer,) in found]

    def pending_of(self, customers: Collection[str], now: datetime) -> dict[str, pa.Table]:
        """Moments of these customers that want a decision now, by campaign."""
        self.want(customers)
        found: dict[str, list[tuple[Any, ...]]] = {}
        for row in self.store.all("pending_of_wanted", now=seconds(now)):
            found.setdefault(row[1], []).append(row)
        return {campaign: pending_table(rows) for campaign, rows in found.items()}

    def rivals(self, campaigns: Sequence[str], now: datetime, least: int) -> Iterator[list[tuple[Any, ...]]]:
        """What wants a decision, of customers who have at least so much of it: (moment, campaign, customer, subject, occasion,
        step), whole customers, some thousand customers at a time.
        """
        after, names = "", json.dumps(list(campaigns))
        while rows := self.store.all(
            "rivals", campaigns=names, now=seconds(now), after=after, least=least, limit=RIVALS
        ):
            after = rows[-1][2]
            yield rows

    @whole
    def want(self, customers: Collection[str]) -> None:
        """Name the customers the next statements are about."""
        with self.store.transaction():
            self.store.run("wanted_clear")
            self.store.many("wanted_add", ((customer,) for customer in customers))

    def history(
        self, customers: pa.ChunkedArray, now: datetime, since: datetime, answers: Answers | None = None
    ) -> History:
        """Contacts since an instant, and opt-outs, of these customers; what became of messages where `answers` asks.

        What was spent is told from the day of `now` in its own zone on.
        """
        self.want(customers.unique().to_pylist())
        events = json.dumps(list(answers.events)) if answers else ""
        fared = [
            self.store.all("deliveries", campaign=name, answers=events)
            for name in (answers.campaigns if answers else ())
        ]
        return History(
            deliveries=_deliveries([row for rows in fared for row in rows]),
            contacts=contact_table(self.store.all("contacts", now=seconds(now), since=seconds(since))),
            opt_outs=_table(self.store.all("opt_outs"), ("customer_id", "purpose", "medium"), "at"),
            told=told_table(self.store.all("told")),
            do_not_contact=self.do_not_contact(),
            spent=self.spent(now),
        )

    def spent(self, now: datetime) -> Spent:
        """What the insurer's days from that of `now`, in its own zone, have taken."""
        return Spent.of(self.store.all("spent", day=now.date().isoformat()))

    @whole
    def withdraw(self, messages: Sequence[tuple[str, str]]) -> int:
        """Take (message_id, reason) out of the outbox; those in somebody's hand stay. How many were taken out."""
        with self.store.transaction():
            gone = self.store.many("withdraw", messages)
            self.store.many("withdraw_moment", ((message_id,) for message_id, _ in messages))
        return gone

    @whole
    def record_run(self, command: str, now: datetime, report: dict[str, Any]) -> None:
        """Keep what a command reported."""
        with self.store.transaction():
            self.store.run(
                "record_run",
                {"command": command, "as_of": seconds(now), "report": json.dumps(report, ensure_ascii=False)},
            )

    @whole
    def opt_out(self, customer_id: str, now: datetime, source: str, *, purpose: str = "*", medium: str = "*") -> bool:
        """Until the customer confirms otherwise; False where nothing newer was told."""
        values = {
            "customer_id": customer_id,
            "purpose": purpose,
            "medium": medium,
            "at": seconds(now),
            "source": source,
        }
        with self.store.transaction():
            return self.store.run("opt_out", values) > 0

    def do_not_contact(self) -> pa.Table:
        """`hash` and `salt_check` of everybody nobody may contact again; rows are only ever added, so their number tells new ones."""
        count = int((self.store.one("count_do_not_contact") or (0,))[0])
        if self._listed is None or self._listed.num_rows != count:
            self._listed = hash_table(self.store.all("do_not_contact"))
        return self._listed

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def pending_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of PENDING_COLUMNS as an Arrow table, instants in UTC."""
    import pyarrow as pa

    columns = list(zip(*rows, strict=True))
    arrays = []
    for name, values in zip(PENDING_COLUMNS, columns, strict=True):
        kind = pa.int64() if name in ("moment_id", *INSTANTS) else pa.string()
        array = pa.array(values, kind)
        arrays.append(array.cast(pa.timestamp("s", "UTC")) if name in INSTANTS else array)
    return pa.table(dict(zip(PENDING_COLUMNS, arrays, strict=True)))


def contact_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of (customer, channel, purpose, campaign, moment, when it goes) as an Arrow table."""
    import pyarrow as pa

    table = _table([(*row[:4], row[5]) for row in rows], ("customer_id", "medium", "purpose", "campaign"), "at")
    return table.append_column("moment_id", pa.array([row[4] for row in rows], pa.int64()))


def _deliveries(rows: list[tuple[Any, ...]]) -> pa.Table:
    """The last message of each moment; rows come with it last."""
    import pyarrow as pa

    last = {moment_id: (state, bool(answered)) for moment_id, state, answered in rows}
    states, answered = zip(*last.values(), strict=True) if last else ((), ())
    return pa.table(
        {
            "moment_id": pa.array(last, pa.int64()),
            "state": pa.array(states, pa.string()),
            "answered": pa.array(answered, pa.bool_()),
        }
    )


def _table(rows: list[tuple[Any, ...]], texts: tuple[str, ...], at: str) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * (len(texts) + 1)
    arrays = {name: pa.array(values, pa.string()) for name, values in zip(texts, columns, strict=False)}
    return pa.table({**arrays, at: pa.array(columns[-1], pa.int64()).cast(pa.timestamp("s", "UTC"))})
