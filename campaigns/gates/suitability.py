"""Does what the campaign is about suit this customer, and may it be chosen by what is known of them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from campaigns.definition import Suits
    from campaigns.docket import Docket

KINDS = {"age": "double", "region_code": "varchar", "held": "boolean", "eligible": "boolean", "fits": "boolean"}


class Suitability(Gate):
    """The product's own rules, what the customer has already, age, region and the campaign's condition; in doubt: no.

    Marketing to somebody who refused personalisation goes on with the general words and without a personal offer.
    """

    name = "suitability"
    order = 35
    reasons: ClassVar = {
        "already_held": "the customer has the product already",
        "not_eligible": "the product is not offered, or its own rules leave the customer out",
        "age": "the customer is not of the age the campaign is for, or it is not known",
        "region": "the customer does not live where the campaign is for",
        "not_suited": "the campaign's condition does not hold for the customer",
    }

    def applies(self, case: Case) -> bool:
        """Where the campaign says whom it suits, and for all marketing: it has general words."""
        return case.campaign.suits is not None or case.campaign.purpose == "marketing"

    def prepare(self, db: duckdb.DuckDBPyConnection, docket: Docket) -> None:
        """Ask the recommender, which reads the rules of products as it does for offers."""
        import pyarrow as pa

        found = [table for number, case in docket.cases.items() if (table := _found(db, number, case)) is not None]
        if found:
            db.register("suitability_found", pa.concat_tables(found))

    def evidence(self, docket: Docket) -> str | None:
        """What was found of the customer; whether personal words may be used."""
        names = [f"f.{name} as suits_{name}" for name in KINDS]
        join = "left join suitability_found f on f.customer_id = b.customer_id and f.case_number = b.case_number"
        if all(case.campaign.suits is None for case in docket.cases.values()):
            names, join = [f"null::{kind} as suits_{name}" for name, kind in KINDS.items()], ""
        return f"""
            select b.place, b.purpose <> 'marketing' or coalesce(c.personalisation, true) as personal, {", ".join(names)}
              from batch b left join customers c using (customer_id) {join}"""

    def rule(self, case: Case) -> str:
        """Whom the campaign suits."""
        return (
            case.campaign.suits.words if case.campaign.suits else "general words for those who refused personalisation"
        )

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Refuse whom it does not suit."""
        import numpy as np

        words = np.where(table["personal"].to_numpy(bool), "", "personalisation refused: general words").astype(object)
        result = judged(table, [], seen=words)
        for case, rows in docket.apart(table):
            if case.campaign.suits:
                seen, own = np.where(words[rows] == "", "suits", words[rows]).astype(object), table.iloc[rows]
                found = judged(own, _checks(own, case.campaign.suits), seen=seen)
                result.verdict[rows], result.reason[rows], result.seen[rows] = found.verdict, found.reason, found.seen
        return result


def _checks(table: pd.DataFrame, suits: Suits) -> list[tuple[str, Any, Any]]:
    """What speaks against rows of one campaign."""
    import numpy as np

    age, region = table["suits_age"], table["suits_region_code"].astype(object).fillna("").astype(str)
    years = np.where(age.notna(), "age " + age.fillna(0).astype(int).astype(str), "age not known").astype(object)
    lower, upper = suits.age_from or 0, suits.age_to if suits.age_to is not None else np.inf
    aged = np.full(len(table), suits.age_from is not None or suits.age_to is not None)
    outside = aged & ~age.between(lower, upper).to_numpy(bool)
    inside = region.str.startswith(suits.regions or ("",)) & ~region.str.startswith(suits.not_regions or ("\n",))
    lives = np.where(region == "", "region not known", "region " + region).astype(object)
    if suits.not_regions and not suits.regions:  # who knows whether that is not where they live
        inside &= region != ""
    product = suits.product or "no product"
    return [
        ("already_held", table["suits_held"].to_numpy(bool), f"has {product}"),
        ("not_eligible", ~table["suits_eligible"].to_numpy(bool), f"{product}: not eligible"),
        ("age", outside, years),
        ("region", ~inside.to_numpy(bool), lives),
        ("not_suited", ~table["suits_fits"].to_numpy(bool), "the condition does not hold"),
    ]


def _found(db: duckdb.DuckDBPyConnection, number: int, case: Case) -> pa.Table | None:
    """What the recommender finds of the customers of a case; None where the campaign does not say whom it suits."""
    import pyarrow as pa

    suits = case.campaign.suits
    if suits is None:
        return None
    from recommender.suitability import suitability

    asked = db.execute(
        "select distinct customer_id from batch where case_number = $number order by 1", {"number": number}
    )
    ids = [each for (each,) in asked.fetchall()]
    found = suitability(db, ids, case.now, product=suits.product, condition=suits.where)
    return found.append_column("case_number", pa.array([number] * len(ids), pa.int64()))
