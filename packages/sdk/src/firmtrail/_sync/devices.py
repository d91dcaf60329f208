"""The devices of a project."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Callable, Mapping

from firmtrail._calls import Call, decode
from firmtrail._checks import LabelFilter, body, filters, media_type, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail._tables import MAX_BYTES, MAX_ROWS, Media, media_of, pieces, renumbered, text_of, whole
from firmtrail_contract import (
    AgentHealth,
    Device,
    DeviceChange,
    DeviceDetails,
    DeviceImport,
    DeviceImportQuery,
    DeviceList,
    DeviceOrder,
    DeviceQuery,
    DeviceState,
    ListedDevice,
    NewDevice,
    VersionScheme,
)

_DEVICES = "/v1/projects/{project_id}/devices"
_DEVICE = "/v1/devices/{device_id}"


class DevicePager(Pager[ListedDevice]):
    """Devices, page after page, and what the server says about the page last fetched."""

    @property
    def labels_as_of(self) -> dt.datetime | None:
        """The moment of the names, labels and silences in the page last fetched: the server's now. None until then."""
        return self._last and self._last.labels_as_of

    @property
    def near_versions(self) -> list[str]:
        """Versions of the project that may have been meant, at most 5, when a filter found no device; else none."""
        return self._last.near_versions if self._last else []

    @property
    def total(self) -> int | None:
        """How many devices match on all pages, as of the page last fetched; None unless asked for by `with_total`."""
        return self._last and self._last.total


class Devices(Resource):
    """The physical machines."""

    def create(
        self,
        project_id: uuid.UUID | str | None,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        hardware_fingerprint: str | None = None,
    ) -> Device:
        """Register a device.

        Args:
            project_id: the project that it belongs to; None: that of the API key.
            name: unique in the project.
            labels: what you say about it, as key = value.
            hardware_fingerprint: what its hardware is recognised by when it enrolls; unique in the project.

        Raises:
            ConflictError: another device has the name, or the fingerprint.
            InvalidRequestError: a value is not allowed.
        """
        said = body(NewDevice, name=name, labels=dict(labels or {}), hardware_fingerprint=hardware_fingerprint)
        place = path(_DEVICES, project_id=project_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, Device)

    def list(  # noqa: PLR0913  filters, and how much to list
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        name: str | None = None,
        labels: LabelFilter | None = None,
        version: str | None = None,
        component: str | None = None,
        scheme: VersionScheme | str | None = None,
        at: dt.datetime | dt.date | None = None,
        changed_since: dt.datetime | dt.date | None = None,
        silent: bool | None = None,
        created_from: dt.datetime | dt.date | None = None,
        created_before: dt.datetime | dt.date | None = None,
        reported_from: dt.datetime | dt.date | None = None,
        reported_before: dt.datetime | dt.date | None = None,
        two_machines: bool | None = None,
        agent_health: AgentHealth | str | None = None,
        agent_version: str | None = None,
        state: DeviceState | str | None = None,
        order: DeviceOrder | str | None = None,
        with_total: bool | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> DevicePager:
        """List the devices of a project with what they run, or ran at a moment; filters add up.

        They come by name; with `version` or `component` by id. Moments are aware datetimes; a date means its beginning
        in UTC, but for `at`, where it means its end. Once a page is fetched, the list's `as_of` is the moment of the
        versions, and `near_versions` says what exists when a filter finds nothing.

        Args:
            project_id: the project; None: that of the API key.
            name: part of the name, in any case.
            labels: those that it has: `{"site": "berlin", "rack": None}`, this site and any rack.
            version: what a component of it runs: a version as it is written, `1.4.*`, or comparisons such as
                `>=1.4,<1.5`; `==` before a version takes it as it is written.
            component: a component that it has; with `version`, the one that runs it.
            scheme: how versions are ordered for `version`: `semver`, `pep440`, `dotted`, `date` or `natural`; what they
                look like decides, if left out.
            at: the moment at which versions are looked at, or a date, which means its end in UTC; now, if left out.
            changed_since: one of its components has run its version since this moment or later.
            silent: whether it has been silent for longer than its own cadence allows.
            created_from: registered at this moment or later.
            created_before: registered before this moment.
            reported_from: it reported at this moment or later.
            reported_before: it has not reported since this moment, or never.
            two_machines: whether two machines have been seen to report with one of its API keys.
            agent_health: how its agent does: `failing` when a source gives no version, or its disk takes no records.
            agent_version: the version of its agent.
            state: `active` ones, if left out; `retired` ones, or `any`.
            order: `name`, or `name_descending`; not with `version` or `component`.
            with_total: whether each page says how many devices match, the list's `total`; that may take a second for
                100,000 of them.
            limit: the most devices to give in all.
            page_size: the most devices to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return DevicePager(
            self._transport,
            path(_DEVICES, project_id=project_id),
            ListedDevice,
            filters=filters(
                DeviceQuery,
                name=name,
                labels=labels,
                version=version,
                component=component,
                scheme=scheme,
                at=at,
                changed_since=changed_since,
                silent=silent,
                created_from=created_from,
                created_before=created_before,
                reported_from=reported_from,
                reported_before=reported_before,
                two_machines=two_machines,
                agent_health=agent_health,
                agent_version=agent_version,
                state=state,
                order=order,
                with_total=with_total,
            ),
            page=DeviceList,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def import_rows(
        self,
        project_id: uuid.UUID | str | None,
        rows: str,
        *,
        media: Media = "csv",
        dry_run: bool = False,
    ) -> DeviceImport:
        """Register many devices. A name that is known already is left as it is, so it is safe to repeat.

        Args:
            project_id: the project that they belong to; None: that of the API key.
            rows: at most 4 MiB. CSV has a header with `name`, and as you like `hardware_fingerprint` and any
                `labels.<key>`; NDJSON has a JSON object a line, with the arguments of `create`.
            media: what `rows` is.
            dry_run: only say what would happen.

        Raises:
            InvalidRequestError: it is no such table. Single rows that are refused stop no others: see the result.
        """
        call = Call(
            method="POST",
            path=path(_DEVICES + "/import", project_id=project_id),
            query=filters(DeviceImportQuery, dry_run=dry_run),
            text=(media_type(media), rows),
            repeatable=True,
        )
        return decode(self._transport.send(call), DeviceImport)

    def import_file(
        self,
        file: str | os.PathLike[str],
        *,
        project_id: uuid.UUID | str | None = None,
        media: Media | None = None,
        dry_run: bool = False,
        progress: Callable[[DeviceImport], object] | None = None,
    ) -> DeviceImport:
        """Register the devices of a table of any size, sent in pieces. Safe to repeat.

        Args:
            file: CSV or NDJSON in UTF-8, as `import_rows` takes it.
            project_id: the project that they belong to; None: that of the API key.
            media: what it is; if left out, `ndjson` for a name that ends with .ndjson or .jsonl, else `csv`.
            dry_run: only say what would happen, for each piece by itself.
            progress: called after each piece with what became of it; rows are numbered through the whole file.

        Raises:
            ConfigError: the file cannot be read.
            InvalidRequestError: it is no such table. Single rows that are refused stop no others: see the result.
            FirmtrailError: a piece failed; those before it are done, and `progress` has seen them.
        """
        media = media or media_of(file)
        media_type(media)
        done: list[DeviceImport] = []
        with text_of(file) as lines:
            for piece in pieces(lines, with_header=media == "csv", max_rows=MAX_ROWS, max_bytes=MAX_BYTES):
                one = self.import_rows(project_id, piece, media=media, dry_run=dry_run)
                done.append(renumbered(one, after=sum(len(before.rows) for before in done)))
                if progress:
                    progress(done[-1])
        return whole(done)

    def get(self, device_id: uuid.UUID | str) -> DeviceDetails:
        """Read a device, with what each of its components runs now.

        Args:
            device_id: the device.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
        """
        call = Call(method="GET", path=path(_DEVICE, device_id=device_id), repeatable=True)
        return decode(self._transport.send(call), DeviceDetails)

    def update(
        self, device_id: uuid.UUID | str, *, name: str | None = None, labels: Mapping[str, str | None] | None = None
    ) -> Device:
        """Rename a device, or label it; what is left out stays.

        Args:
            device_id: the device.
            name: its new name, unique in the project.
            labels: labels to set; None removes one, and labels that are not named stay.

        Raises:
            ConflictError: another device has the name.
            InvalidRequestError: a value is not allowed.
        """
        said = body(DeviceChange, name=name, labels=dict(labels or {}))
        call = Call(method="PATCH", path=path(_DEVICE, device_id=device_id), body=said, repeatable=True)
        return decode(self._transport.send(call), Device)

    def retire(self, device_id: uuid.UUID | str) -> Device:
        """Take a device out of service: its API keys end, its history stays.

        Args:
            device_id: the device.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
            PermissionDeniedError: it takes an editor of the project.
        """
        call = Call(method="POST", path=path(_DEVICE + "/retire", device_id=device_id), repeatable=True)
        return decode(self._transport.send(call), Device)

    def restore(self, device_id: uuid.UUID | str) -> Device:
        """Take a retired device back into service. It needs a new API key.

        Args:
            device_id: the device.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
            PermissionDeniedError: it takes an editor of the project.
        """
        call = Call(method="POST", path=path(_DEVICE + "/restore", device_id=device_id), repeatable=True)
        return decode(self._transport.send(call), Device)

    def delete(self, device_id: uuid.UUID | str) -> None:
        """Delete a device with its whole history. To keep the history, retire it.

        Args:
            device_id: the device.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        self._transport.send(Call(method="DELETE", path=path(_DEVICE, device_id=device_id), repeatable=True))
