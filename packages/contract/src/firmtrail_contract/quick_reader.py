"""Writes code that reads a model from plain values, for converters that stop at the first error.

What is of its type already is taken as it is, in line; anything else goes to the converter's own hook, which takes it
or says what is wrong. A page of 100 devices is thousands of values, and a call for each would be half of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin

import attrs

from firmtrail_contract.limits import Violation, ViolationCode

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
    model: Any, hook_of: Callable[[Any], Hook], shortcuts: Mapping[Any, Shortcut], limited: Mapping[str, Hook]
) -> Hook:
    """Make a function that reads a model's fields; it ignores unknown ones, and raises whatever a wrong one leads to.

    Args:
        model: an attrs class, whose types are resolved; a generic one with its arguments.
        hook_of: finds the hook of a type.
        shortcuts: by type.
        limited: the hooks of fields that have one of their own.
    """
    code = _Code(hook_of, shortcuts)
    arguments = dict(zip(getattr(get_origin(model), "__parameters__", ()), get_args(model), strict=True))
    given, made = list[str](), list[tuple[Any, str]]()
    for field in attrs.fields(get_origin(model) or model):
        kind, value = _with(arguments, field.type), f"_{field.name}"
        hook = limited.get(field.name)
        read = code.reading(kind, value) if hook is None else code.call(hook, value, kind)
        if field.default is attrs.NOTHING:
            given.append(f"{value} = given[{field.name!r}]")
        elif field.default is None and hook is None and _present(kind) is not None:
            given.append(f"{value} = given.get({field.name!r})")
        else:
            missing = code.name(_MISSING)
            given.append(f"{value} = given.get({field.name!r}, {missing})")
            read = f"{code.default(field.default)} if {value} is {missing} else {read}"
        made.append((field, read))
    lines = [
        "def read(given, kind):",
        f"if type(given) is not dict: {code.name(_refuse)}()",
        *given,
        *code.making(get_origin(model) or model, made),
    ]
    exec(compile("\n    ".join(lines), f"<reader of {model}>", "exec"), code.names)  # noqa: S102  its text is of our models alone
    return code.names["read"]


class _Code:
    """Expressions, and what their names stand for."""

    def __init__(self, hook_of: Callable[[Any], Hook], shortcuts: Mapping[Any, Shortcut]) -> None:
        self._hook_of, self._shortcuts = hook_of, shortcuts
        self.names: dict[str, Any] = {}

    def name(self, thing: Any) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = thing
        return name

    def call(self, hook: Hook, value: str, kind: Any) -> str:
        return f"{self.name(hook)}({value}, {self.name(kind)})"

    def default(self, default: Any) -> str:
        if not hasattr(default, "takes_self"):  # how a factory is told from any other default
            return self.name(default)
        assert not default.takes_self, "a default that looks at other fields is not read"
        return f"{self.name(default.factory)}()"

    def making(self, model: Any, read: Sequence[tuple[Any, str]]) -> list[str]:
        """Give the lines that make a model of expressions; what has limits is made by its own `__init__`."""
        assert not hasattr(model, "__attrs_post_init__"), "it may be left out"
        kind = self.name(model)
        if any(field.converter or field.validator for field, _ in read):
            return [f"return {kind}({', '.join(f'{field.alias}={one}' for field, one in read)})"]
        fields = [f"made.{field.name} = {one}" for field, one in read]
        return [f"made = {self.name(_open(model))}()", *fields, f"made.__class__ = {kind}", "return made"]

    def reading(self, kind: Any, value: str) -> str:
        """Give the expression that makes a `kind` of a value, which it names."""
        if (present := _present(kind)) is not None:
            return f"(None if {value} is None else {self.reading(present, value)})"
        otherwise, item = self.call(self._hook_of(kind), value, kind), f"item{len(self.names)}"
        if get_origin(kind) is list:
            items = f"[{self.reading(get_args(kind)[0], item)} for {item} in {value}]"
            return f"({items} if type({value}) is list else {otherwise})"
        if get_origin(kind) is dict:
            items = f"{{name: {self.reading(get_args(kind)[1], item)} for name, {item} in {value}.items()}}"
            return f"({items} if type({value}) is dict else {otherwise})"
        if (shortcut := self._shortcuts.get(kind)) is None:
            return otherwise
        self.names |= shortcut.names
        return f"({shortcut.read.format(value)} if {shortcut.is_fit.format(value)} else {otherwise})"


def _open(model: type) -> type:
    """Make a class of the same layout whose fields may be set; what it makes takes the class of the model then.

    The `__init__` of a frozen class calls a function for each field, which was nearly half of the time of a page.
    """
    plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    return type(model.__name__, (model,), {"__slots__": (), **plain})


def _refuse() -> NoReturn:
    raise Violation(ViolationCode.WRONG_TYPE, "must be an object")


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
