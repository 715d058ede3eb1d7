"""A whole ledger from one kind of database into the other, and back."""

from __future__ import annotations

from contextlib import closing

import pytest

from campaigns.check import check
from campaigns.errors import LedgerError
from campaigns.ledger import Ledger
from campaigns.ledger.copying import copy_ledger
from campaigns.ledger.store import open_store


def held(store):
    """Every row of every table."""
    return {
        table: sorted(store.query(f"select {', '.join(columns)} from {table}"), key=repr)
        for table, columns in store.tables().items()
    }


@pytest.fixture
def lived(insurer, ledger):
    for n in range(40):
        insurer.customer(f"C{n}", name=f"王\t{n}\\").expiring(f"P{n}", f"C{n}")
    insurer.turn(ledger)
    return ledger


def test_a_ledger_moves_to_a_server_and_back_unchanged(lived, databases, tmp_path):
    with closing(open_store(databases())) as there, closing(open_store(tmp_path / "back.db")) as back:
        copied = copy_ledger(lived.store, there)
        assert copied["moments"] == copied["messages"] == 40
        there.copy_to(tmp_path / "copied.db")
        copy_ledger(there, back)
        with closing(open_store(tmp_path / "copied.db")) as copy:
            assert held(lived.store) == held(there) == held(back) == held(copy)


def test_a_copied_ledger_goes_on_where_the_first_was(lived, insurer, databases):
    place = databases()
    with Ledger(place) as there:
        copy_ledger(lived.store, there.store)
        insurer.customer("C40").expiring("P40", "C40")
        assert insurer.turn(there).reserved == 1
        assert [finding for finding in check(there) if not finding.holds] == []


def test_nothing_is_copied_over_what_is_there(lived, databases):
    with closing(open_store(databases())) as there:
        copy_ledger(lived.store, there)
        with pytest.raises(LedgerError, match="is not empty"):
            copy_ledger(lived.store, there)
