"""Whom a contact changes: uplift learners, how good their rankings are, and the model in service."""
