"""Offers of some customers, looked at by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from kairos.errors import KairosError
from kairos.workspace import Workspace


def top_offers(
    place: Workspace, customers: Sequence[str], kind: Literal["insurance", "service"] | None, top: int, now: datetime
) -> list[dict[str, Any]]:
    """The best offers of the customers named, or of the first ten there are."""
    model = place.recommender()
    if model is None:
        raise KairosError(f"no model is fitted; run `kairos recommend fit -w {place.folder}` first")
    from recommender.staleness import check_fresh

    words = place.words()
    with place.facts(now) as facts:
        if customers:
            facts.db.execute("create temp table asked as select unnest($ids) as customer_id", {"ids": list(customers)})
        else:
            facts.db.execute(
                "create temp table asked as select customer_id from customers order by customer_id limit 10"
            )
        found = facts.db.sql(
            "select a.customer_id, c.locale from asked a left join customers c using (customer_id)"
        ).to_arrow_table()
        locales = [words.locale_of(locale) for locale in found["locale"].to_pylist()]
        asked = found.set_column(1, "locale", [locales])
        check_fresh(facts.db, model.describe(), now)
        offers: list[dict[str, Any]] = model.top(facts.db, asked, kind=kind, top=top, now=now).to_pylist()
        return offers
