"""One decides at a time: what caps and budgets have left is read, used and written down before anybody else reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaigns.arbitration import Round
    from campaigns.definition import Campaign
    from campaigns.ledger import Ledger
    from campaigns.scene import Scene
    from campaigns.turn import Turn

    Decide = Callable[[Scene, Round, Ledger, Turn, Collection[str]], int]


def apart(decide: Decide) -> Decide:
    """Let nobody else decide about the same customers meanwhile.

    What waits is read after whoever decided before has let go: nothing is decided twice, and caps count what others have
    just reserved. Only deciders wait for one another; writing stays in short transactions, so that senders and the kill
    switch wait for nobody.
    """

    @wraps(decide)
    def waited(scene: Scene, contest: Round, ledger: Ledger, turn: Turn, among: Collection[str]) -> int:
        with ExitStack() as held:
            with turn.stage("wait"):
                held.enter_context(ledger.store.alone(among, budgets=_budgeted(scene, contest.campaigns)))
            return decide(scene, contest, ledger, turn, among)

    return waited


def _budgeted(scene: Scene, campaigns: Sequence[Campaign]) -> bool:
    """Whether a day's volume or cost is shared by all customers."""
    return bool(scene.rules.policy.budgets) or any(campaign.budget for campaign in campaigns)
