"""Kairos' own memory: moments, decisions, messages and what became of them. SQLite or PostgreSQL; the truth lives here and nowhere else."""

from campaigns.ledger.ledger import Ledger

__all__ = ["Ledger"]
