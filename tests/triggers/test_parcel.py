"""A parcel holds what the same customers' facts would be narrowed to, with what their claims and events speak of."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from triggers.narrow import LAID_OUT, SCHEMA, Narrowing
from triggers.parcel import Known, Unpacking, deal, pack_shared
from triggers.testing import facts as facts_of

NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
PEOPLE = "ABCDE"
STRANGE = {"alerts": [], "regions": [{"region_code": "310000", "name": "上海", "level": "province"}]}


def rows(owners, claimed, spoken):
    """Five customers; policies by owner, claims (policy, claimant), events (customer, of which policy or claim)."""
    return {
        "customers": [{"customer_id": name, "name": f"N{name}", "phone": None} for name in PEOPLE],
        "policies": [{"policy_id": f"P{n}", "customer_id": who, "line": "motor", "status": "active", "effective_date": "2026-01-01", "expiry_date": "2027-01-01", "colour": "red"} for n, who in enumerate(owners)],
        "claims": [{"claim_id": f"K{n}", "policy_id": f"P{policy}", "customer_id": who, "status": "paid", "reported_at": "2026-05-01", "missing_documents": ["id", "bill"]} for n, (policy, who) in enumerate(claimed)],
        "events": [{"event_id": f"E{n}", "customer_id": who, "type": "t", "occurred_at": "2026-06-01T10:00", "subject_id": about, "properties": '{"a": 1}'} for n, (who, about) in enumerate(spoken)],
        "consents": [{"customer_id": who, "purpose": "care", "channel": "*", "granted": True, "at": "2025-01-01"} for who in PEOPLE],
        **STRANGE,
    }  # fmt: skip


def told(db, schema, name):
    """The rows of a table in any order, and its columns with their types."""
    said = db.execute(f"select columns(*)::varchar from {schema}.{name}").fetchall()
    return sorted(map(repr, said)), db.execute(f"describe {schema}.{name}").fetchall()


def dealt(tables, groups, folder):
    """For each group the narrow tables, and those out of its parcel."""
    with facts_of(NOW, **tables) as facts:
        folders = [folder / str(number) for number in range(len(groups))]
        deal(facts, groups, folders)
        pack_shared(facts, folder / "shared")
        with closing(Unpacking(folder / "shared", Known.of(facts, "Asia/Shanghai"), 1)) as parcels:
            for group, each in zip(groups, folders, strict=True):
                few = parcels.facts(each)
                own = {name: told(few.db, SCHEMA, name) for name in LAID_OUT}
                with closing(Narrowing(facts, NOW)) as fresh:
                    yield {name: told(fresh.to(group).db, SCHEMA, name) for name in LAID_OUT}, own, few


def test_a_parcel_brings_the_claims_and_policies_of_others_its_customers_speak_of(tmp_path):
    tables = rows("AABC", [(0, "B"), (3, "C"), (2, "D")], [("D", "K1"), ("E", "P0"), ("A", "P3")])
    found = list(dealt(tables, ["AB", "CD", "E"], tmp_path))
    for wanted, own, _ in found:
        assert own == wanted
    policies = [[row.split("'")[1] for row in own["policies"][0]] for _, own, _ in found]
    assert policies == [["P0", "P1", "P2", "P3"], ["P2", "P3"], ["P0"]]
    claims = [[row.split("'")[1] for row in own["claims"][0]] for _, own, _ in found]
    assert claims == [["K0", "K2"], ["K1", "K2"], []]


def test_what_is_the_same_for_all_is_found_behind_a_parcel(tmp_path):
    for _, _, few in dealt(rows("A", [], []), ["A"], tmp_path):
        assert few.db.execute("select name from regions").fetchall() == [("上海",)]
        assert few.db.execute("select count(*) from products").fetchall() == [(0,)]
        assert few.db.execute("select works from workdays where day = date '2026-11-22'").fetchall() == [(False,)]
        assert few.columns["policies"]["colour"] == "VARCHAR"


OWNERS = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5)


@settings(max_examples=6, deadline=None)
@given(
    OWNERS,
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(PEOPLE)), max_size=4),
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from([f"{a}{b}" for a, b in product("PK", "0123")])), max_size=5
    ),
    st.lists(st.sampled_from(PEOPLE), unique=True, max_size=5),
)
def test_parcels_are_the_narrow_tables_whoever_owns_what(tmp_path_factory, owners, claimed, spoken, first):
    groups = [group for group in (first, [name for name in PEOPLE if name not in first]) if group]
    claims = [(policy % len(owners), who) for policy, who in claimed]
    for wanted, own, _ in dealt(rows(owners, claims, spoken), groups, tmp_path_factory.mktemp("parcels")):
        assert own == wanted
