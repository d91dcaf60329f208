"""`firmtrail changes`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import islice
from typing import Any

import firmtrail
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import LABELS, LIMIT, Column, Verb, flag, option
from firmtrail_contract import FirmwareChange

_PAGE = 1_000


class _Changes:
    """Those that are there, or with `--follow` those to come as well, each shown when it comes."""

    def __init__(self, client: firmtrail.Client, options: Any) -> None:
        self._client = client
        self._options = options
        self._project = project_id(client, options)
        self.rows_at_once = 1 if options.follow else 100
        self.last_number: int | None = options.after

    def __iter__(self) -> Iterator[FirmwareChange]:
        return islice(self._followed() if self._options.follow else self._kept(), self._options.limit)

    def _followed(self) -> Iterator[FirmwareChange]:
        output: object = sys.stdout
        if isinstance(output, TextIOWrapper):
            output.reconfigure(line_buffering=True)
        for change in self._client.firmware_changes.follow(self._project, after=self.last_number, **self._filters()):
            self.last_number = change.number
            yield change

    def _kept(self) -> Iterator[FirmwareChange]:
        while True:
            page = self._client.firmware_changes.poll(
                self._project, after=self.last_number, limit=_PAGE, **self._filters()
            )
            for change in page.items:
                self.last_number = change.number
                yield change
            self.last_number = page.last_number
            if not page.items:
                return

    def _filters(self) -> dict[str, Any]:
        return {name: getattr(self._options, name) for name in ("component", "kind", "labels")}


def _remark(changes: _Changes) -> str:
    return "" if changes.last_number is None else f"To go on from here: --after {changes.last_number}"


VERBS = [
    Verb(
        "changes",
        "what changed in the histories of a project, in the order of its feed",
        _Changes,
        [
            option("after", "the number of the last change that you have; all that are kept, if left out", type=int),
            flag("follow", "wait for changes to come, until it is interrupted"),
            option("component", "of this component, and what is about a device as a whole"),
            option("kind", "such as opened or opened,device_removed"),
            LABELS,
            LIMIT,
        ],
        [
            Column("number", is_number=True),
            "recorded_at",
            "kind",
            "component",
            "version",
            Column("previous_version", "previous"),
            Column("first_reported_at", "since"),
            "device_id",
            Column("period_id", is_optional=True),
            Column("tie_rank", is_number=True, is_optional=True),
            Column("change_number", is_number=True, is_optional=True),
            Column("silent_since", is_optional=True),
            Column("ended_at", is_optional=True),
        ],
        remark=_remark,
        examples=[
            "changes --component main --kind opened",
            "changes --after 1200 --json",
            "changes --follow --labels site=berlin",
        ],
    ),
]
