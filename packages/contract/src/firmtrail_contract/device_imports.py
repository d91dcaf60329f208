"""Registering many devices at once, from CSV or NDJSON."""

from __future__ import annotations

import uuid
from enum import StrEnum

import attrs

from firmtrail_contract.problems import FieldError


class ImportOutcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    KNOWN = "known"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class DeviceImportQuery:
    """How to import."""

    #: only say what would happen
    dry_run: bool = False


@attrs.frozen(kw_only=True)
class ImportedRow:
    """What became of one row of an import."""

    #: counts from 1, without the header of CSV and without empty lines
    row: int
    #: null when the row is not valid
    name: str | None
    #: `created`, `known` by its name and left as it is, or `refused`
    outcome: ImportOutcome
    #: null when the row was refused, and in a dry run when the device would be created
    device_id: uuid.UUID | None
    #: why it was refused: at most 8 errors, and the first one alone when the rows before had 1,000
    errors: list[FieldError] = attrs.field(factory=list[FieldError])


@attrs.frozen(kw_only=True)
class DeviceImport:
    """What an import did, or in a dry run would do. Rows that were refused stop no others."""

    dry_run: bool
    created_count: int
    known_count: int
    refused_count: int
    rows: list[ImportedRow]
