"""Salted one-way hashes: whom nobody may contact, without saying who it is.

`sha256(salt + value)` in hexadecimal, the value being a phone number in E.164, an e-mail address in small letters, or
`customer:` and a customer's id. Phone numbers are few enough to be tried one by one, so the salt must be kept as a secret:
`hash_salt` in kairos.yaml, from the environment.
"""

from __future__ import annotations

import hashlib

ERASED = "erased:"
"""What the id of a customer begins with whose data was erased."""


def hashed(salt: str, value: str) -> str:
    """The salted hash of a value, 64 hexadecimal digits."""
    return hashlib.sha256((salt + value).encode()).hexdigest()


def pseudonym(salt: str, customer_id: str) -> str:
    """What stands for a customer whose data was erased; the same for ever under the same salt."""
    return ERASED + hashed(salt, f"customer:{customer_id}")[:32]


def salt_check(salt: str) -> str:
    """Tells a salt from another one without giving it away."""
    return hashed(salt, "salt check")[:16]
