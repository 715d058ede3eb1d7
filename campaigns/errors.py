"""Errors of the campaigns package."""


class CampaignError(Exception):
    """Something about campaigns or their ledger is wrong; the message says what and what to do."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class LedgerError(CampaignError):
    """The ledger cannot be used as it is."""


class LedgerBusyError(LedgerError):
    """Another process has held the ledger's write lock for over a minute. Let it finish, then run the command again."""
