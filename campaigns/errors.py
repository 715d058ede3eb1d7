"""Errors of the campaigns package."""


class CampaignError(Exception):
    """Something about campaigns or their ledger is wrong; the message says what and what to do."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class LedgerError(CampaignError):
    """The ledger cannot be used as it is."""


class LedgerBusyError(LedgerError):
    """Another process has held the ledger's lock for minutes. Let it finish, then run the command again."""


class LedgerConflictError(LedgerError):
    """Other processes changed the same rows of the ledger at the same moment, again and again. Run the command again."""


class LedgerLostError(LedgerError):
    """The connection to the ledger was lost. What was under way is undone: run the command again."""


class WorkerLostError(CampaignError):
    """A worker process ended while it was deciding, for want of memory perhaps. Nothing is lost or half done: run the command
    again, with fewer --workers where memory is short."""
