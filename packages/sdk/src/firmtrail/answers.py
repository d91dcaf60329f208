"""Answers about a fleet: the contract's models, which here become frames and pictures as well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

import firmtrail_contract as contract

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.axes import Axes


class Framed:
    """An answer whose rows become a frame: see `firmtrail.frames` for its columns and types."""

    __slots__ = ()

    def _rows(self) -> tuple[type, Sequence[Any]]:
        """Give the model of a row, and the rows."""
        raise NotImplementedError

    def to_arrow(self) -> pa.Table:
        """Make an Arrow table, a row an item.

        Raises:
            MissingExtraError: pyarrow is not installed (`firmtrail[arrow]`).
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        model, rows = self._rows()
        return frames.to_arrow(rows, model)

    def to_polars(self) -> pl.DataFrame:
        """Make a polars frame, a row an item.

        Raises:
            MissingExtraError: polars or pyarrow is not installed (`firmtrail[polars]`).
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        frames.check_installed("polars")
        return frames.to_polars(self.to_arrow())

    def to_pandas(self) -> pd.DataFrame:
        """Make a pandas frame, a row an item.

        Raises:
            MissingExtraError: pandas or pyarrow is not installed (`firmtrail[pandas]`).
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        frames.check_installed("pandas")
        return frames.to_pandas(self.to_arrow())


@attrs.frozen(kw_only=True)
class FirmwareVersions(contract.FirmwareVersions, Framed):
    """Which versions were in force at a moment: by component, the newest version first."""

    def _rows(self) -> tuple[type, Sequence[Any]]:
        return contract.VersionCount, self.items

    def plot(self, ax: Axes | None = None, *, colors: Mapping[str, str] | None = None) -> Axes:
        """Draw a bar a version, as long as it has devices.

        Args:
            ax: where to draw; a new figure, if left out.
            colors: of versions, as matplotlib names colours; the others keep theirs, as `firmtrail.plots.styles` says.

        Raises:
            MissingExtraError: matplotlib is not installed (`firmtrail[plots]`).
        """
        from firmtrail import plots  # noqa: PLC0415  who wants no picture pays for none

        return plots.versions(self, ax, colors=colors)


@attrs.frozen(kw_only=True)
class VersionAtMoment:
    """A version at one moment: a row of the frame of an adoption."""

    moment: dt.datetime
    component: str
    #: null: all versions that the answer does not list
    version: str | None
    devices: int
    #: of the devices that had the component at that moment, 0 to 1; null where the version is
    share: float | None


@attrs.frozen(kw_only=True)
class Adoption(contract.Adoption, Framed):
    """How the versions of a component spread: at each moment, the devices on each version."""

    def _rows(self) -> tuple[type, Sequence[Any]]:
        return VersionAtMoment, [
            self._row(moment, one.version, one.devices[number], one.shares[number])
            for number, moment in enumerate(self.moments)
            for one in self.versions
        ] + [self._row(*both, None) for both in self._others() if both[-1]]

    def _others(self) -> list[tuple[dt.datetime, None, int]]:
        return [(moment, None, devices) for moment, devices in zip(self.moments, self.other_devices, strict=True)]

    def _row(self, moment: dt.datetime, version: str | None, devices: int, share: float | None) -> VersionAtMoment:
        return VersionAtMoment(moment=moment, component=self.component, version=version, devices=devices, share=share)

    def plot(self, ax: Axes | None = None, *, colors: Mapping[str, str] | None = None) -> Axes:
        """Draw the shares of the versions over time, the newest version on top; dotted: the rollout's milestones.

        Args:
            ax: where to draw; a new figure, if left out.
            colors: of versions, as matplotlib names colours; the others keep theirs, as `firmtrail.plots.styles` says.

        Raises:
            MissingExtraError: matplotlib is not installed (`firmtrail[plots]`).
        """
        from firmtrail import plots  # noqa: PLC0415  who wants no picture pays for none

        return plots.adoption(self, ax, colors=colors)


@attrs.frozen(kw_only=True)
class FlappingDevices(contract.FlappingDevices, Framed):
    """The devices that kept changing, the latest first; at most 1,000."""

    def _rows(self) -> tuple[type, Sequence[Any]]:
        return contract.FlappingDevice, self.items


@attrs.frozen(kw_only=True)
class Compliance(contract.Compliance, Framed):
    """Which devices ran what they should: by component, the rule of the greatest priority first."""

    def _rows(self) -> tuple[type, Sequence[Any]]:
        return contract.RuleCompliance, self.items


@attrs.frozen(kw_only=True)
class FleetStatus(contract.FleetStatus, Framed):
    """A project's devices now. Its frame has one row, with lists in it."""

    def _rows(self) -> tuple[type, Sequence[Any]]:
        return contract.FleetStatus, [self]
