"""Labels: what people say about a device, as key = value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from firmtrail_contract.blanks import visible_text
from firmtrail_contract.limits import IDENTIFIER, PRINTABLE, Text, Violation, ViolationCode

MAX_LABELS = 64
_KEY = IDENTIFIER.strip("^$")
_VALUE = PRINTABLE.replace("[^", "[^,", 1)

label_key_limits = Text(1, 64, IDENTIFIER, "have keys that start with a-z or 0-9 and hold only a-z, 0-9, '.', '_', '-'")
label_value_limits = visible_text(
    1, 128, one=_VALUE, rule="have values with a visible character, and without commas and control characters"
)
#: `site=berlin,rack`: each label, or any value of it
label_filter_limits = Text(
    1, 1024, f"^{_KEY}(={_VALUE}+)?(,{_KEY}(={_VALUE}+)?)*$", "be labels such as site=berlin,rack=3"
)


@attrs.frozen
class Labels:
    """At most `MAX_LABELS` labels; a value may be null where that removes the label."""

    key: Text = label_key_limits
    value: Text = label_value_limits
    max_count: int = MAX_LABELS

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], labels: Mapping[str, str | None]) -> None:
        self.check_count(labels)
        for key, value in labels.items():
            self.key(instance, attribute, key)
            if value is not None:
                self.value(instance, attribute, value)

    def check_count(self, labels: Mapping[str, Any]) -> None:
        """Raise `Violation` when there are too many."""
        if len(labels) > self.max_count:
            raise Violation(ViolationCode.TOO_LONG, f"must be at most {self.max_count} labels")


def parse_label_filter(text: str) -> tuple[dict[str, str], list[str]]:
    """Split `site=berlin,rack` into the labels that a device must have, and the keys with any value."""
    parts = [part.partition("=") for part in text.split(",")]
    return {key: value for key, equals, value in parts if equals}, [key for key, equals, _ in parts if not equals]
