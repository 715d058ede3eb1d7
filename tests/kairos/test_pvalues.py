"""No p-value is told as 0."""

from __future__ import annotations

import pytest

from kairos.pvalues import equation, told


@pytest.mark.parametrize(
    ("value", "shown", "said"),
    [
        (None, "", "p = ?"),
        (0.0, "< 0.0001", "p < 0.0001"),
        (9.9e-5, "< 0.0001", "p < 0.0001"),
        (1e-4, "0.0001", "p = 0.0001"),
        (0.04321, "0.0432", "p = 0.0432"),
        (1.0, "1.0000", "p = 1.0000"),
    ],
)
def test_a_p_value_is_told_with_four_digits_or_as_smaller_than_any(value, shown, said):
    assert (told(value), equation(value)) == (shown, said)
