"""One decides at a time: what caps and budgets have left is read, used and written down before anybody else reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING

from campaigns.windows import home_zone

if TYPE_CHECKING:
    from campaigns.arbitration import Round
    from campaigns.decide import Sitting
    from campaigns.ledger import Ledger
    from campaigns.scene import Scene
    from campaigns.turn import Turn

    Decide = Callable[[Scene, Round, Ledger, Turn, Collection[str]], int]


def apart(decide: Decide) -> Decide:
    """Let nobody else decide about the same customers meanwhile; about nobody where they share the channels' budgets.

    What waits is read after whoever decided before has let go: nothing is decided twice, and caps count what others have
    just reserved. Only deciders wait for one another; writing stays in short transactions, so that senders and the kill
    switch wait for nobody.
    """

    @wraps(decide)
    def waited(scene: Scene, contest: Round, ledger: Ledger, turn: Turn, among: Collection[str]) -> int:
        with ExitStack() as held:
            with turn.stage("wait"):
                held.enter_context(ledger.store.alone(among, budgets=shared(scene)))
            return decide(scene, contest, ledger, turn, among)

    return waited


def shared(scene: Scene) -> bool:
    """Whether all campaigns take from the same budgets, those of the channels."""
    return bool(scene.rules.policy.budgets)


@contextmanager
def till(scene: Scene, ledger: Ledger, turn: Turn, sitting: Sitting, *, budgeted: bool) -> Iterator[None]:
    """While a wave takes from the budgets of campaigns nobody else does, and what others took before is known."""
    if not budgeted or shared(scene):
        yield
        return
    with ExitStack() as held:
        with turn.stage("wait"):
            held.enter_context(ledger.store.alone((), budgets=True))
        sitting.recount(ledger.spent(scene.now.astimezone(home_zone(scene.rules.timezone))))
        yield
