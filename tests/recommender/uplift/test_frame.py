"""A table becomes features and roles; what cannot be read is told with its row and the way out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from recommender.errors import UpliftError
from recommender.uplift.features import Schema, fit_schema
from recommender.uplift.frame import Columns, frame_of, read_frame, same_features

PEOPLE = pa.table(
    {
        "age": pa.array([20.0, 40.0, None, 60.0] * 25),
        "tier": ["gold", "basic", None, "basic"] * 25,
        "insured": [True, False, False, True] * 25,
        "number": list(range(100)),
        "note": [f"n{i}" for i in range(100)],
        "always": [1] * 100,
    }
)


def test_numbers_are_scaled_words_are_columns_and_gaps_are_told():
    schema = fit_schema(PEOPLE, PEOPLE.column_names)
    assert schema.columns == (
        "age",
        "age=(missing)",
        "insured",
        "tier=basic",
        "tier=gold",
        "tier=(other)",
        "tier=(missing)",
    )
    assert schema.left_out == {
        "number": "is another number in every row: an id",
        "note": "has another value in most rows: an id or a text",
        "always": "is the same in every row",
    }
    rows = schema.encode(PEOPLE)
    assert rows[0].round(4).tolist() == [-1.2247, 0, 1, 0, 1, 0, 0]
    assert rows[2].tolist() == [0, 1, -1, 0, 0, 0, 1]


def test_a_value_never_seen_is_another_and_a_number_beyond_the_tails_counts_as_the_tail():
    schema = fit_schema(PEOPLE, ["age", "tier"])
    rows = schema.encode(pa.table({"age": [1e9, 60.0], "tier": ["platinum", "gold"]}))
    assert rows[0, 0] == rows[1, 0]
    assert rows[0, 2:].tolist() == [0, 0, 1, 0]


def test_a_schema_comes_back_from_json():
    schema = fit_schema(PEOPLE, PEOPLE.column_names)
    again = Schema.from_dict(schema.as_dict())
    assert (again.encode(PEOPLE) == schema.encode(PEOPLE)).all()


def test_a_column_that_is_missing_or_not_numbers_any_more_is_told():
    schema = fit_schema(PEOPLE, ["age"])
    with pytest.raises(UpliftError, match="needs the columns age; the table has tier"):
        schema.encode(pa.table({"tier": ["gold"]}))
    with pytest.raises(UpliftError, match="is not now"):
        schema.encode(pa.table({"age": ["old"]}))
    with pytest.raises(UpliftError, match="no column is of use as a feature: always is the same"):
        fit_schema(PEOPLE, ["always"])


def test_two_arms_of_three_are_compared_and_the_third_is_counted(tmp_path):
    path = tmp_path / "mail.csv"
    path.write_text("arm;age;bought\nmail;20;yes\nnone;30;no\ncall;40;yes\nmail;50;no\n", encoding="utf-8")
    frame = read_frame(path, Columns("bought", "arm", "mail", "none"))
    assert frame.treatment.tolist() == [1, 0, 1]
    assert frame.outcome.tolist() == [1, 0, 0]
    assert (frame.names, frame.dropped) == (("age",), 1)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (Columns("bought", "arm"), "row 1: arm is 'mail'; write 0 and 1.*--treated and --control"),
        (
            Columns("bought", "arm", "mail", "sms"),
            "no row has arm = 'sms' .--control.; its values are call, mail, none",
        ),
        (Columns("bought", "arm", "mail"), "name both arms"),
        (Columns("bot", "arm"), "no column bot; it has arm, age, bought"),
        (Columns("age", "arm", "mail", "none"), "row 1: age is 20; write 0 and 1"),
        (Columns("bought", "arm", "mail", "none", propensity="age"), "age is 20.0; a propensity lies between 0 and 1"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_way_out(columns, words):
    table = pa.table({"arm": ["mail", "none", "call"], "age": [20, 30, 40], "bought": ["yes", "no", "no"]})
    with pytest.raises(UpliftError, match=words):
        frame_of(table, columns)


def test_files_that_share_no_feature_are_refused():
    one = frame_of(pa.table({"t": [0, 1], "y": [0, 1], "age": [1, 2]}), Columns("y", "t"))
    other = frame_of(pa.table({"t": [0, 1], "y": [0, 1], "tier": [1, 2]}), Columns("y", "t"))
    with pytest.raises(UpliftError, match="share no column"):
        same_features(one, other, ())
    assert same_features(one, one, ()) == ("age",)


def test_a_file_that_is_not_there_or_no_table_is_told(tmp_path):
    with pytest.raises(UpliftError, match="there is no file"):
        read_frame(tmp_path / "none.csv", Columns("y"))
    (tmp_path / "broken.parquet").write_text("no parquet", encoding="utf-8")
    with pytest.raises(UpliftError, match="cannot be read"):
        read_frame(tmp_path / "broken.parquet", Columns("y"))


def test_half_of_a_frame_keeps_its_rows_together():
    frame = frame_of(
        pa.table({"t": [0, 1, 1], "y": [0, 1, 0], "p": [0.1, 0.2, 0.3], "age": [1, 2, 3]}),
        Columns("y", "t", propensity="p"),
    )
    part = frame.take(np.array([2, 0]))
    assert (part.table["age"].to_pylist(), part.treatment.tolist()) == ([3, 1], [1, 0])
    assert (part.outcome.tolist(), part.propensity.tolist()) == ([0, 0], [0.3, 0.1])
