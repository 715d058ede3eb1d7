"""What the archive holds about one customer: for an inquiry, and to take it out for good."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.archive import settled
from campaigns.archive_files import ArchiveFolder
from campaigns.ledger import Ledger

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class ArchivedCustomer:
    """Where the rows about a customer lie: (folder, name of the files) -> the moments they are about.

    Found by what the ledger keeps of archived moments, under every name given: the customer's own id, and after an
    erasure the pseudonym.
    """

    places: dict[tuple[Path, str], set[int]]

    @classmethod
    def of(cls, ledger: Ledger, names: Collection[str], home: Path) -> ArchivedCustomer:
        """`home`: what the folders of archives are relative to."""
        places: dict[tuple[Path, str], set[int]] = {}
        for name, folder, moment in ledger.store.all("archives_of_customer", customers=json.dumps(list(names))):
            places.setdefault((home / folder, name), set()).add(moment)
        return cls(places)

    def missing(self) -> list[str]:
        """Folders that are not where they were: nothing in them can be told or erased until they are back."""
        return sorted({str(folder) for folder, name in self.places if not ArchiveFolder(folder).holds(name)})

    def rows(self) -> Rows:
        """Table -> rows, as they were when they were archived."""
        found: Rows = {}
        for (folder, name), moments in self.places.items():
            for table, rows in ArchiveFolder(folder).rows(name, moments).items():
                found.setdefault(table, []).extend(rows)
        return found

    def drop(self, ledger: Ledger) -> int:
        """Write the files anew without the customer; how many rows went. Done again, it finds nothing."""
        gone = 0
        for folder in sorted({folder for folder, _ in self.places}):
            files = ArchiveFolder(folder)
            with settled(ledger, files):
                gone += sum(files.drop(name, moments) for (at, name), moments in self.places.items() if at == folder)
        return gone
