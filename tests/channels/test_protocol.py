"""The send protocol is searched completely: every interleaving of workers, crashes, frozen workers and lost answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Absent, Accepted, RetryLater, Unknown
from channels.protocol import (
    EVIDENCE,
    FENCED,
    TERMINAL,
    TRANSITIONS,
    Delivery,
    Event,
    IllegalMoveError,
    StaleTokenError,
    State,
    answer,
    finding,
    forward_rank,
    receipt,
    sources,
    step,
    window_closed,
)

Step = Callable[[Delivery, Event, int | None], Delivery]


@dataclass(frozen=True)
class Worker:
    """idle -> leased -> intended -> posted(answer), or idle -> asked(answer). `armed` = its deadline has not passed."""

    phase: str = "idle"
    token: int = 0
    answer: str = ""
    armed: bool = False


@dataclass(frozen=True)
class World:
    delivery: Delivery
    workers: tuple[Worker, ...]
    copies: int = 0
    posts: int = 0


@dataclass(frozen=True)
class Rules:
    """The protocol and its environment; the planted bugs are other values of these."""

    step: Step = step
    deadline: bool = True
    blind_retry: bool = False
    purpose: str = "marketing"
    most_leases: int = 3
    most_posts: int = 3


def moves(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    for number, worker in enumerate(world.workers):
        for name, after in worker_moves(world, worker, rules):
            world_after, worker_after = after
            workers = list(world_after.workers)
            workers[number] = worker_after
            yield f"{name}({number})", replace(world_after, workers=tuple(sorted(workers, key=repr)))
    yield from environment(world, rules)


def worker_moves(world: World, worker: Worker, rules: Rules) -> Iterator[tuple[str, tuple[World, Worker]]]:
    idle = Worker()
    if worker.phase != "idle":
        yield "crash", (world, idle)
    if worker.phase == "idle" and world.delivery.token < rules.most_leases:
        yield from on(world, Event.LEASE, None, rules, lambda d: Worker("leased", d.token, armed=True))
    if worker.phase == "idle" and world.delivery.state is State.UNKNOWN:
        found = "found" if world.copies else "absent"
        yield "ask", (world, Worker("asked", world.delivery.token, found))
    if worker.phase == "leased":
        yield from on(
            world,
            Event.INTEND,
            worker.token,
            rules,
            lambda d: replace(worker, phase="intended", armed=True),
            otherwise=idle,
        )
    if worker.phase == "intended":
        yield from posts(world, worker, rules)
    if worker.phase in ("posted", "asked"):
        events = {"ok": Event.SEEN_ACCEPTED, "found": Event.SEEN_ACCEPTED, "absent": Event.ABSENT}
        event = events.get(worker.answer) or Event(worker.answer)
        yield from on(world, event, worker.token, rules, lambda d: idle, otherwise=idle)


def posts(world: World, worker: Worker, rules: Rules) -> Iterator[tuple[str, tuple[World, Worker]]]:
    if rules.deadline and not worker.armed:
        yield "too late", (world, replace(worker, phase="posted", answer="retry"))
        return
    if world.posts == rules.most_posts:
        return
    taken = replace(world, copies=world.copies + 1, posts=world.posts + 1)
    missed = replace(world, posts=world.posts + 1)
    yield "accepted", (taken, replace(worker, phase="posted", answer="ok"))
    yield "accepted, answer lost", (taken, replace(worker, phase="posted", answer="lose"))
    yield "not taken, answer lost", (missed, replace(worker, phase="posted", answer="lose"))
    yield "try later", (missed, replace(worker, phase="posted", answer="retry"))
    yield "refused", (missed, replace(worker, phase="posted", answer="refuse"))


def on(
    world: World,
    event: Event,
    token: int | None,
    rules: Rules,
    then: Callable[[Delivery], Worker],
    *,
    otherwise: Worker | None = None,
) -> Iterator[tuple[str, tuple[World, Worker]]]:
    try:
        delivery = rules.step(world.delivery, event, token)
    except IllegalMoveError:
        if otherwise is not None:
            yield f"{event} rejected", (world, otherwise)
        return
    yield str(event), (replace(world, delivery=delivery), then(delivery))


def environment(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    events = [Event.LEASE_EXPIRE, Event.EXPIRE, Event.RETRACT]
    if world.delivery.state is State.UNKNOWN:
        events.append(Event.SEND_AGAIN if rules.blind_retry else window_closed(rules.purpose))
    if world.copies:
        events += EVIDENCE
    for event in events:
        try:
            delivery = rules.step(world.delivery, event, world.delivery.token)
        except IllegalMoveError:
            continue
        workers = world.workers
        if event is Event.LEASE_EXPIRE:
            workers = tuple(replace(w, armed=w.armed and w.token != world.delivery.token) for w in workers)
        yield str(event), replace(world, delivery=delivery, workers=tuple(sorted(workers, key=repr)))


def search(workers: int, rules: Rules) -> tuple[dict[World, list[World]], list[str] | None]:
    """All reachable worlds with their successors, and the way to the first in which the provider took it twice."""
    start = World(Delivery(), (Worker(),) * workers)
    came: dict[World, tuple[World, str] | None] = {start: None}
    graph: dict[World, list[World]] = {}
    frontier = [start]
    while frontier:
        following = []
        for world in frontier:
            if world.copies > 1:
                return graph, trace(world, came)
            graph[world] = []
            for name, after in moves(world, rules):
                graph[world].append(after)
                if after not in came:
                    came[after] = (world, name)
                    following.append(after)
        frontier = following
    return graph, None


def trace(world: World, came: dict[World, tuple[World, str] | None]) -> list[str]:
    names = []
    while (step_before := came[world]) is not None:
        world, name = step_before
        names.append(name)
    return names[::-1]


def without_token(delivery: Delivery, event: Event, token: int | None) -> Delivery:
    return step(delivery, event, delivery.token)


@pytest.mark.parametrize("workers", [2, 3])
def test_no_interleaving_of_workers_crashes_and_lost_answers_sends_twice(workers: int) -> None:
    graph, duplicate = search(workers, Rules())
    assert duplicate is None
    assert len(graph) > 500, "the search must have gone somewhere"


def test_every_world_can_still_end() -> None:
    graph, _ = search(2, Rules())
    ending = {world for world in graph if world.delivery.state in TERMINAL}
    while more := {world for world, after in graph.items() if world not in ending and ending.intersection(after)}:
        ending |= more
    assert ending == set(graph)


@pytest.mark.parametrize(
    ("bug", "rules"),
    [
        ("blind retry of unknown", Rules(blind_retry=True)),
        ("no fencing token", Rules(step=without_token)),
        ("no deadline for the post", Rules(deadline=False)),
    ],
)
def test_the_search_finds_a_planted_bug(bug: str, rules: Rules) -> None:
    _, duplicate = search(2, rules)
    assert duplicate is not None, bug
    assert sum(name.startswith("accepted") for name in duplicate) == 2


def test_contract_notices_may_arrive_twice_but_only_after_the_window_closed() -> None:
    _, duplicate = search(2, Rules(purpose="contract"))
    assert duplicate is not None
    assert "send_again" in duplicate


def test_a_stale_absent_does_not_take_back_a_message_that_was_posted_meanwhile() -> None:
    delivery = Delivery(State.UNKNOWN, token=2)
    with pytest.raises(StaleTokenError):
        step(delivery, Event.ABSENT, token=1)


def test_a_late_answer_after_the_lease_ran_out_still_counts_while_nobody_else_leased() -> None:
    lost = step(Delivery(State.HANDED, 1, leased=True), Event.LEASE_EXPIRE, 1)
    assert lost == Delivery(State.UNKNOWN, 1)
    assert step(lost, Event.SEEN_ACCEPTED).state is State.ACCEPTED
    assert step(lost, Event.RETRY, 1) == Delivery(State.RESERVED, 1)


def test_a_leased_message_is_not_retracted_under_the_hands_of_its_worker() -> None:
    leased = step(Delivery(), Event.LEASE)
    with pytest.raises(IllegalMoveError):
        step(leased, Event.RETRACT)
    assert step(Delivery(), Event.RETRACT).state is State.RETRACTED


@pytest.mark.parametrize("state", list(State))
def test_receipts_end_in_the_same_state_whatever_their_order_and_number(state: State) -> None:
    ends = set()
    for order in permutations([*EVIDENCE, Event.SEEN_ACCEPTED]):
        delivery = Delivery(state)
        for event in order:
            delivery = step(delivery, event)
        ends.add(delivery.state)
    assert ends == {State.DELIVERED}


@given(st.sampled_from(list(State)), st.lists(st.sampled_from(list(EVIDENCE))))
def test_receipts_never_move_a_message_back(state: State, events: list[Event]) -> None:
    delivery = Delivery(state)
    for event in events:
        after = step(delivery, event)
        assert forward_rank[after.state] >= forward_rank[delivery.state]
        delivery = after


@given(st.sampled_from(list(State)), st.sampled_from(list(Event)), st.booleans())
def test_what_is_not_in_the_table_is_illegal_and_fenced_events_need_the_token(
    state: State, event: Event, leased: bool
) -> None:
    delivery = Delivery(state, token=4, leased=leased)
    if event in FENCED:
        with pytest.raises(StaleTokenError):
            step(delivery, event, 3)
    if (state, event) not in TRANSITIONS:
        with pytest.raises(IllegalMoveError):
            step(delivery, event, 4)


def test_guards_name_the_states_an_event_is_legal_in() -> None:
    assert sources(Event.LEASE) == (State.RESERVED,)
    assert sources(Event.ABSENT) == (State.UNKNOWN,)
    assert sources(Event.SEEN_DELIVERED) == tuple(State)


def test_results_and_findings_are_events() -> None:
    assert answer(Accepted("SM1")) is Event.SEEN_ACCEPTED
    assert answer(Accepted("SM1", "failed")) is Event.SEEN_FAILED
    assert answer(Unknown()) is Event.LOSE
    assert finding(Unknown()) is Event.UNDECIDED
    assert finding(Absent()) is Event.ABSENT
    assert receipt("delivered") is Event.SEEN_DELIVERED
    with pytest.raises(ValueError, match="seen_read"):
        receipt("read")
    assert window_closed("marketing") is Event.GIVE_UP
    assert window_closed("contract") is Event.SEND_AGAIN
    assert answer(RetryLater(after=timedelta(seconds=1))) is Event.RETRY
