"""The working days of a workspace: the insurer's own file over the public holidays of a country."""

from __future__ import annotations

from pathlib import Path

from campaigns.documents import Document
from campaigns.problems import Problem
from kairos.errors import ProblemsFoundError
from kairos.settings import Settings
from triggers.calendarfile import read_calendar
from triggers.errors import SourceError
from triggers.workdays import Calendar, calendar_of


def calendar_in(folder: Path, settings: Settings, document: Document) -> Calendar:
    """The calendar kairos.yaml (`document`) asks for. Raises ProblemsFoundError."""
    at = "holidays"
    try:
        known = calendar_of(settings.holidays)
        if not settings.calendar:
            return known
        at = "calendar"
        return Calendar(settings.holidays, read_calendar(folder / settings.calendar))
    except SourceError as error:
        raise ProblemsFoundError([_problem(fault) for fault in (error, *error.others)]) from error
    except ValueError as error:
        message, _, hint = str(error).partition(" | ")
        raise ProblemsFoundError([document.problem((at,), message, hint)]) from error


def _problem(fault: SourceError) -> Problem:
    return Problem(str(fault.path), fault.line, fault.column, fault.where, fault.message, fault.hint)
