"""Which devices count in an answer about a fleet: the condition that its statements share, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from psycopg.types.json import Jsonb

from firmtrail_contract import DeviceState, parse_label_filter


@attrs.frozen
class Labelled:
    """A filter by labels that devices have today; None: all devices."""

    labels: str | None

    @property
    def parameters(self) -> dict[str, object]:
        pairs, keys = parse_label_filter(self.labels) if self.labels else ({}, [])
        return {"all_labels": self.labels is None, "labels": Jsonb(pairs), "label_keys": keys}


@attrs.frozen(kw_only=True)
class Counted:
    """What is counted: components, on devices with labels, that were in service at the moment or not."""

    components: Sequence[str]
    labels: str | None
    state: DeviceState

    @property
    def parameters(self) -> dict[str, object]:
        return {"components": list(self.components), **Labelled(self.labels).parameters, "state": self.state}


#: of the rows of `devices`: those with the labels
LABELLED: Final = """(
                       %(all_labels)s
                       or devices.labels @> %(labels)s
                      and (%(label_keys)s::text[] = '{}'::text[] or devices.labels ?& %(label_keys)s)
                   )"""

#: of the rows of `ran`: those of devices that are not deleted, and have the labels
COUNTED: Final = f"""ran.device_id not in (select device_id from removed_devices where project_id = %(project_id)s)
               and (
                       %(all_labels)s
                       or ran.device_id in (
                              select id
                                from devices
                               where project_id = %(project_id)s
                                 and {LABELLED}
                          )
                   )"""  # noqa: S608  its parts are literals

#: of the rows of `ran`: those of devices that were in service at the moment or not
IN_STATE: Final = """(
                       %(state)s = 'any'
                       or ran.device_id in (
                              select id
                                from devices
                               where project_id = %(project_id)s
                                 and retired_at is not null
                                 and retired_at <= %(at)s
                          ) = (%(state)s = 'retired')
                   )"""
