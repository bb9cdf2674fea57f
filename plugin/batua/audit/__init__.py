"""The audit log: who of the shop did what, when, from where, why, and what it changed."""

from batua.audit.acting import Act, Actor, acting, asked, current_act, start_acting
from batua.audit.recording import Note, note_act, noted, recorded
from batua.audit.tables import AuditEntry, AuditHead

__all__ = [
    "Act",
    "Actor",
    "AuditEntry",
    "AuditHead",
    "Note",
    "acting",
    "asked",
    "current_act",
    "note_act",
    "noted",
    "recorded",
    "start_acting",
]
