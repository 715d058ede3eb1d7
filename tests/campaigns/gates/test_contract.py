"""What holds for every gate: it says what plain Python says, of all rows at once, whatever their order, with documented reasons."""

from __future__ import annotations

from random import Random

import pytest
from court import NOW, World, ask, ask_together
from hypothesis import given, settings
from hypothesis import strategies as st
from references import ELSEWHERE, REFERENCES

from campaigns.gates import gates
from triggers.testing import facts as facts_of

every = pytest.mark.parametrize("name", list(REFERENCES))


@pytest.fixture(scope="module")
def facts():
    """The views, empty."""
    with facts_of(NOW) as made:
        yield made


def test_every_gate_has_a_reference():
    assert {gate.name for gate in gates()} - {"consent"} == set(REFERENCES)


@every
@given(seed=st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_a_gate_says_of_each_moment_what_plain_python_says(facts, name, seed):
    draw, expected = REFERENCES[name]
    world = draw(Random(seed))  # dice of hypothesis' own would fall on the first side far too often
    assert ask(name, world, facts)[0] == expected(world)


@every
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_does_not_matter(facts, name, seed):
    world = REFERENCES[name][0](Random(seed))
    order = list(range(len(world.moments)))
    Random(seed + 1).shuffle(order)
    assert ask(name, world, facts, order)[0] == ask(name, world, facts)[0]


@every
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_of_several_cases_at_once_a_gate_says_what_it_says_of_each_alone(facts, name, seed):
    draw = REFERENCES[name][0]
    world, other = draw(Random(seed)), draw(Random(seed + 1))
    other.policy, other.stakes, other.classes, other.spent = world.policy, world.stakes, world.classes, world.spent
    heard = {3: world.case(), 7: other.case()}
    customers = sorted({row["customer_id"] for row in world.moments})
    whose = {customer: (3, 7)[place % 2] for place, customer in enumerate(customers)}
    cases = {row["moment_id"]: whose[row["customer_id"]] for row in world.moments}
    together = ask_together(name, world, facts, heard, cases, range(len(world.moments)))[0]
    for number, case in heard.items():
        own = [place for place, row in enumerate(world.moments) if cases[row["moment_id"]] == number]
        alone = ask_together(name, world, facts, {number: case}, cases, own)[0] if own else {}
        assert alone == {moment: answer for moment, answer in together.items() if cases[moment] == number}


@every
def test_the_number_of_queries_does_not_grow_with_the_rows(facts, name):
    draw = REFERENCES[name][0]
    world = next(each for seed in range(99) if ask(name, each := draw(Random(seed)), facts)[1])
    few = ask(name, world, facts)[1]
    grown = _grown(world)
    assert len(grown.moments) > 200
    assert ask(name, grown, facts)[1] == few


def _grown(world: World) -> World:
    """The same world with the moments told over and over, of customers of their own."""
    for _ in range(40):
        for row in world.moments[:6]:
            copy = world.moment(row["customer_id"], **{key: row[key] for key in ("step", "step_due_at", "standing")})
            if row["moment_id"] in world.given:
                world.given[copy["moment_id"]] = world.given[row["moment_id"]]
    return world


@every
def test_every_reason_is_documented_and_can_come_up(name):
    draw, expected = REFERENCES[name]
    documented = next(gate.reasons for gate in gates() if gate.name == name)
    said = {reason for seed in range(600) for _, reason in expected(draw(Random(seed))).values()} - {""}
    assert said == set(documented) - ELSEWHERE.get(name, set())
    assert all(documented.values())
