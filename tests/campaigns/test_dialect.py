"""The ledger's statements in PostgreSQL's words: what is replaced, and that many rows at once do what each did alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.ledger import Ledger
from campaigns.ledger.dialect import bulk, for_driver, marked, statement, steps, worded
from campaigns.ledger.postgres import FEW
from campaigns.ledger.statements import statements

ROWS = [(f"C{n}", "*", "sms" if n % 2 else "*", 1000 + n, "test") for n in range(FEW * 2)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("select a from temp.wanted", "select a from pg_temp.wanted"),
        ("from x a cross join y b on b.i = a.i", "from x a join y b on b.i = a.i"),
        ("select value from json_each(:x)", "select value from json_array_elements_text(cast(:x as json))"),
        ("json_extract(d.trace, '$[0].name')", "(cast(d.trace as json) #>> '{0,name}')"),
        ("instr(a, b)", "strpos(a, b)"),
        ("cast(a as integer)", "cast(a as bigint)"),
    ],
)
def test_the_words_that_differ_are_replaced(ours, theirs):
    assert worded(ours) == theirs


def test_placeholders_become_the_drivers_and_quoted_text_stays():
    sql = "select '? :a 5%', cast(x as text) % 2, y::text from t where a = :a and b = ? and c = ?2"
    assert for_driver(sql) == (
        "select '? :a 5%%', cast(x as text) %% 2, y::text from t where a = %(a)s and b = %(2)s and c = %(2)s"
    )
    assert marked("values (?, ?, :z)", lambda name: f"<{name}>") == ("values (<1>, <2>, <z>)", ["1", "2", "z"])


def test_a_statement_for_one_row_becomes_one_for_a_table_of_them():
    form = bulk("never_contact")
    assert form is not None
    assert (
        form.applied.split()
        == (
            f"insert into do_not_contact (hash, kind, salt_check, added_at, reason) select g.c1, g.c2, g.c3, g.c4, g.c5 "
            f"from {form.stage} g on conflict do nothing"
        ).split()
    )


def test_migrations_hold_no_word_postgresql_does_not_know():
    text = " ".join(step for each in steps().values() for step in each)
    for word in ("without rowid", " integer", "references", "autoincrement", " real", " blob"):
        assert word not in text


def test_statements_of_the_servers_own_stand_in_both_files():
    assert set(statements("postgres.sql")) <= set(statements())


def test_the_server_knows_the_type_of_every_value(databases):
    with Ledger(databases()) as ledger:
        for name in set(statements()) - {"wanted_clear"}:
            order = {each: number for number, each in enumerate(marked(statement(name), str)[1], 1)}
            typed, _ = marked(statement(name), lambda each, order=order: f"${order[each]}", "%")
            ledger.store._do(f"prepare tried_{name} as {typed}")


def test_the_form_for_many_rows_compiles(databases):
    with Ledger(databases()) as ledger:
        forms = [form for name in statements() if (form := bulk(name)) and form.names]
        assert len(forms) > 20
        for form in forms:
            columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(ledger.store._types(form), 1))
            ledger.store._do(f"create temp table {form.stage.removeprefix('pg_temp.')} ({columns})")
            ledger.store._do(f"explain {form.applied}")


@pytest.mark.parametrize("size", [1, FEW - 1, FEW, FEW * 2])
def test_many_rows_take_effect_and_are_counted_whatever_their_number(databases, size):
    with Ledger(databases()) as ledger:
        rows = [
            dict(zip(("customer_id", "purpose", "medium", "at", "source"), row, strict=True)) for row in ROWS[:size]
        ]
        assert ledger.store.repeat(lambda: ledger.store.many("opt_out", iter(rows))) == size
        assert ledger.store.repeat(lambda: ledger.store.many("opt_out", iter(rows))) == 0
        found = ledger.store.query("select customer_id, purpose, medium, at, source from opt_outs order by 4")
        assert found == ROWS[:size]


def test_text_is_ordered_by_its_bytes_as_in_a_file(databases, tmp_path):
    names = ["b", "B", "ä", "a", "_", "客", "-"]
    orders = []
    for place in (databases(), tmp_path / "ledger.db"):
        with Ledger(place) as ledger:
            for name in names:
                ledger.opt_out(name, datetime(2026, 11, 23, tzinfo=UTC), "test")
            orders.append(ledger.store.query("select customer_id from opt_outs order by 1"))
    assert orders[0] == orders[1] == [(name,) for name in sorted(names, key=str.encode)]


def test_rows_come_in_batches_from_either_database(databases, tmp_path):
    for place in (databases(), tmp_path / "ledger.db"):
        with Ledger(place) as ledger:
            for n in range(5):
                ledger.opt_out(f"C{n}", datetime(2026, 11, 23, tzinfo=UTC), "test")
            ledger.want([f"C{n}" for n in range(5)])
            sizes = [len(rows) for rows in ledger.store.batches("opt_outs", 2)]
            assert sizes == [2, 2, 1]
            assert not ledger.store.within


def test_no_statement_is_left_in_words_of_sqlite_alone():
    for name in statements():
        for word in ("temp.wanted", "json_each", "json_extract", "instr(", "insert or", "pragma"):
            assert word not in statement(name).replace("pg_temp.wanted", ""), (name, word)
