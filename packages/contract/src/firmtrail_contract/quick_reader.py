"""Writes code that reads a model from plain values, for converters that stop at the first error.

What is of its type already is taken as it is, in line; anything else goes to the converter's own hook, which takes it
or says what is wrong. A page of 100 devices is thousands of values, and a call for each would be half of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin

import attrs
from cattrs.errors import ForbiddenExtraKeysError

from firmtrail_contract.limits import Count, Range, Violation, ViolationCode

Hook = Callable[[Any, Any], Any]

#: of a field that was not given
_MISSING = object()


@attrs.frozen
class Shortcut:
    """How to read most values of a type: both are expressions of `{}`, the value."""

    is_fit: str
    read: str = "{}"
    #: what the expressions name
    names: Mapping[str, Any] = attrs.field(factory=dict[str, Any])


def quick_reader(
    model: Any, hook_of: Callable[[Any], Hook], shortcuts: Mapping[Any, Shortcut], *, is_closed: bool
) -> Hook:
    """Make a function that reads a model's fields, and raises whatever a wrong one leads to.

    Args:
        model: an attrs class, whose types are resolved; a generic one with its arguments.
        hook_of: finds the hook of a type.
        shortcuts: by type.
        is_closed: whether an unknown field is wrong, or ignored.
    """
    code, plain = _Code(hook_of, shortcuts), get_origin(model) or model
    arguments = dict(zip(getattr(plain, "__parameters__", ()), get_args(model), strict=True))
    fields = attrs.fields(plain)
    code.write(f"if type(given) is not dict: {code.name(_refuse)}()")
    if is_closed:
        names = code.name(frozenset(field.name for field in fields))
        code.write(f"if not {names}.issuperset(given): {code.name(_refuse_unknown)}(given, {names}, kind)")
    for field in fields:
        code.read_field(field, _with(arguments, field.type))
    code.make(plain)
    return code.function(f"<reader of {model}>")


class _Code:
    """Lines of a function, and what its names stand for."""

    def __init__(self, hook_of: Callable[[Any], Hook], shortcuts: Mapping[Any, Shortcut]) -> None:
        self._hook_of, self._shortcuts = hook_of, shortcuts
        self._names: dict[str, Any] = {}
        self._lines = ["def read(given, kind):"]

    def function(self, file: str) -> Hook:
        exec(compile("\n".join(self._lines), file, "exec"), self._names)  # noqa: S102  its text is of our models alone
        return self._names["read"]

    def name(self, thing: Any) -> str:
        name = f"_{len(self._names)}"
        self._names[name] = thing
        return name

    def write(self, line: str, depth: int = 1) -> None:
        self._lines.append("    " * depth + line)

    def read_field(self, field: attrs.Attribute[Any], kind: Any) -> None:
        """Give the field's value its name; a default is right without being looked at."""
        value, name, depth = f"_{field.name}", repr(field.name), 2
        if field.default is attrs.NOTHING:
            self.write(f"{value} = given[{name}]")
            depth = 1
        elif field.default is None and _present(kind) is not None:
            kind = _present(kind)
            self.write(f"{value} = given.get({name})")
            self.write(f"if {value} is not None:")
        else:
            missing = self.name(_MISSING)
            self.write(f"{value} = given.get({name}, {missing})")
            self.write(f"if {value} is {missing}: {value} = {self._default(field.default)}")
            self.write("else:")
        self._check_count(field.validator, value, kind, depth)
        self.write(f"{value} = {self._reading(kind, value)}", depth)
        convert: Any = field.converter  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if convert is not None:
            self.write(f"{value} = {self.name(convert)}({value})", depth)
        self._check(field, value, depth)

    def make(self, model: Any) -> None:
        """Make the model of what was read. What its own `__init__` would check is checked."""
        assert not hasattr(model, "__attrs_post_init__"), "it would be left out"
        self.write(f"made = {self.name(_open(model))}()")
        names = [field.name for field in attrs.fields(model)]
        for name in names:
            self.write(f"made.{name} = _{name}")
        for slot in {*model.__slots__} - {*names, "__weakref__"}:
            self.write(f"made.{slot} = None")  # a hash that attrs keeps, and does not know yet
        self.write(f"made.__class__ = {self.name(model)}")
        self.write("return made")

    def _default(self, default: Any) -> str:
        if not hasattr(default, "takes_self"):  # how a factory is told from any other default
            return self.name(default)
        assert not default.takes_self, "a default that looks at other fields is not read"
        return f"{self.name(default.factory)}()"

    def _check_count(self, validator: Any, value: str, kind: Any, depth: int) -> None:
        """Count items before they are read: there may be hundreds of thousands."""
        if hasattr(validator, "check_count"):
            plain = get_origin(kind).__name__
            self.write(f"if type({value}) is {plain}: {self.name(validator.check_count)}({value})", depth)

    def _check(self, field: attrs.Attribute[Any], value: str, depth: int) -> None:
        validator: Any = field.validator
        if validator is None or type(validator) is Count:
            return
        check = f"{self.name(validator)}(None, {self.name(field)}, {value})"
        if type(validator) is Range:
            check = f"if not {validator.minimum} <= {value} <= {validator.maximum}: {check}"
        self.write(check, depth)

    def _reading(self, kind: Any, value: str) -> str:
        """Give the expression that makes a `kind` of a value, which it names."""
        if (present := _present(kind)) is not None:
            return f"(None if {value} is None else {self._reading(present, value)})"
        otherwise = f"{self.name(self._hook_of(kind))}({value}, {self.name(kind)})"
        item = f"item{len(self._names)}"
        if get_origin(kind) is list:
            items = f"[{self._reading(get_args(kind)[0], item)} for {item} in {value}]"
            return f"({items} if type({value}) is list else {otherwise})"
        if get_origin(kind) is dict:
            items = f"{{name: {self._reading(get_args(kind)[1], item)} for name, {item} in {value}.items()}}"
            return f"({items} if type({value}) is dict else {otherwise})"
        if isinstance(kind, EnumType):
            members = self.name({str(member): member for member in kind})
            return f"({members}[{value}] if type({value}) is str and {value} in {members} else {otherwise})"
        if (shortcut := self._shortcuts.get(kind)) is None:
            return otherwise
        self._names |= shortcut.names
        return f"({shortcut.read.format(value)} if {shortcut.is_fit.format(value)} else {otherwise})"


def _open(model: type) -> type:
    """Make a class of the same layout whose fields may be set; what it makes takes the class of the model then.

    The `__init__` of a frozen class calls a function for each field, which was nearly half of the time of a page.
    """
    plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    return type(model.__name__, (model,), {"__slots__": (), **plain})


def _refuse() -> NoReturn:
    raise Violation(ViolationCode.WRONG_TYPE, "must be an object")


def _refuse_unknown(given: dict[str, Any], names: frozenset[str], kind: Any) -> NoReturn:
    raise ForbiddenExtraKeysError("", kind, given.keys() - names)


def _present(kind: Any) -> Any:
    """Give the type beside None; None if it is no such pair."""
    types = [one for one in get_args(kind) if one is not NoneType]
    is_optional = get_origin(kind) in {Union, UnionType} and len(types) == 1
    return types[0] if is_optional else None


def _with(arguments: Mapping[Any, Any], kind: Any) -> Any:
    """Put types in the place of a generic model's parameters."""
    if isinstance(kind, TypeVar):
        return arguments[kind]
    parameters = getattr(kind, "__parameters__", ())
    return kind[tuple(arguments[one] for one in parameters)] if parameters else kind
