"""What the keys of a source may be: validators for the fields of its class."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import attrs

from firmtrail_agent.sources.engine.timeouts import MAX_TIMEOUT_SECONDS
from firmtrail_agent.validation import values
from firmtrail_agent.validation.values import Wrong

MOST_ARGUMENTS = 64


def _validator(check: Callable[[Any], object]) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Make a validator of a check that raises Wrong."""

    def validate(_instance: object, _attribute: attrs.Attribute[Any], value: Any) -> None:
        check(value)

    return validate


def _argv(value: Any) -> None:
    rule = 'be a list such as ["/usr/bin/modem-version", "--short"]: the path of a program, then its arguments'
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    if not 1 <= len(items) <= MOST_ARGUMENTS or not all(isinstance(item, str) for item in items):
        raise Wrong(rule)
    if not items[0].startswith("/") or any("\0" in item for item in items):
        raise Wrong(rule)


def _pattern(value: Any) -> None:
    rule = "be a regular expression such as 'version: ([0-9.]+)'"
    if not isinstance(value, str) or not value or "\0" in value:
        raise Wrong(rule)
    try:
        re.compile(value, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise Wrong(f"{rule}: {error}") from None


def _pointer(value: Any) -> None:
    """Check a JSON Pointer (RFC 6901); the one to the whole document is of no use here."""
    if not isinstance(value, str) or not re.fullmatch(r"(/([^~/\0]|~[01])*)+", value):
        raise Wrong('be a JSON Pointer such as "/image/version" or "/slots/0/version"')


def _components(value: Any) -> None:
    rule = 'be a table such as { "its own name" = "component" }'
    if not isinstance(value, dict) or not value:
        raise Wrong(rule)
    chosen = list(cast("dict[str, Any]", value).values())
    try:
        distinct = {values.component(component) for component in chosen}
    except Wrong as wrong:
        raise Wrong(f"{rule}; a component must {wrong}") from None
    if len(distinct) < len(chosen):
        raise Wrong("name each component once")


def choice(*words: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Make the validator of a key that is one of some words."""

    def check(value: Any) -> None:
        if value not in words:
            raise Wrong(f"be one of {', '.join(words)}")

    return _validator(check)


def require_one(**given: object) -> None:
    """Refuse keys that exclude each other."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise Wrong(f"not have both {' and '.join(names)}")


def _matching(pattern: str, rule: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(value: Any) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise Wrong(rule)

    return _validator(check)


def _flag(value: Any) -> None:
    if not isinstance(value, bool):
        raise Wrong("be true or false")


component = _validator(values.component)
flag = _validator(_flag)
path = _validator(values.absolute_path)
#: a program with its arguments
argv = _validator(_argv)
pattern = attrs.validators.optional(_validator(_pattern))
pointer = attrs.validators.optional(_validator(_pointer))
#: which of the names that a source knows become which components
components = attrs.validators.optional(_validator(_components))
#: long enough for a slow device, and short enough for the other sources to have their turn
timeout_seconds = _validator(values.whole_number(1, MAX_TIMEOUT_SECONDS))
#: of Debian's and opkg's packages, and of architectures
package = _matching(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}", "be a name such as libc6")
#: of os-release
shell_variable = _matching(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "be the name of a variable such as BUILD_ID")
#: of U-Boot
variable = _matching(r"[!-<>-~]{1,128}", "be the name of a variable, without '=' and blanks")
