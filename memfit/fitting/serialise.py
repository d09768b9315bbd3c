"""Plain JSON data to frozen records, by the types of their fields; what does not fit is named with its place.

Keys that a record does not have are left aside, so that files of newer programs can be read; keys that are
missing take their defaults.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from math import isfinite
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from memfit.errors import InputError


def revive(kind: Any, value: Any, place: str) -> Any:
    """A value of the kind asked for, from plain data.

    Parameters
    ----------
    kind : type
        A frozen dataclass, str, bool, int, float, Literal, tuple, Mapping, an alternative of them, or Any.
    value : object
        As `json` reads it.
    place : str
        Where it stands, such as "parameters.R_b", for the message.

    Raises
    ------
    InputError
        It is of another kind.
    """
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _alternative(get_args(kind), value, place)
    if origin is Literal:
        words = get_args(kind)
        return value if value in words else _refuse(f"one of {', '.join(map(repr, words))}", value, place)
    if origin is tuple:
        return _sequence(get_args(kind), value, place)
    if origin is not None:  # Mapping[str, X]
        return _mapping(get_args(kind)[1], value, place)
    if is_dataclass(kind):
        return _record(kind, value, place)
    return value if kind is Any else _plain(kind, value, place)


def revive_field(kind: type, name: str, data: Mapping[str, Any], place: str = "") -> Any:
    """One field of a record, from the data of the whole; its default where it is missing.

    Raises
    ------
    InputError
        It is missing and has no default, or is of another kind.
    """
    field = next(item for item in fields(kind) if item.name == name)
    where = f"{place}.{name}" if place else name
    if name not in data:
        return _default(field, where)
    return revive(_hints(kind)[name], data[name], where)


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Types of a record's fields."""
    return get_type_hints(kind)


def _default(field: "Field[Any]", where: str) -> Any:
    """What stands where nothing was said."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    if field.default is MISSING:
        raise InputError(f"{where} is missing")
    return field.default


def _record(kind: Any, value: Any, place: str) -> Any:
    """A frozen record."""
    if not isinstance(value, Mapping):
        _refuse("an object", value, place)
    return kind(**{item.name: revive_field(kind, item.name, value, place) for item in fields(kind)})


def _alternative(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """The first of several kinds that fits."""
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    for kind in others[:-1]:
        try:
            return revive(kind, value, place)
        except InputError:
            continue
    return revive(others[-1], value, place)


def _sequence(kinds: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    """A tuple, of one kind throughout or of a kind for each place."""
    if not isinstance(value, list):
        _refuse("a list", value, place)
    many = len(kinds) == 2 and kinds[1] is Ellipsis
    if many and kinds[0] is float and all(type(item) is float and isfinite(item) for item in value):
        return tuple(value)  # samples and matrices are long
    each = (kinds[0],) * len(value) if many else kinds
    if len(each) != len(value):
        _refuse(f"a list of {len(each)}", value, place)
    pairs = enumerate(zip(each, value, strict=True))
    return tuple(revive(one, item, f"{place}[{i}]") for i, (one, item) in pairs)


def _mapping(kind: Any, value: Any, place: str) -> dict[str, Any]:
    """Values by name."""
    if not isinstance(value, Mapping):
        _refuse("an object", value, place)
    return {name: revive(kind, item, f"{place}.{name}") for name, item in value.items()}


def _plain(kind: Any, value: Any, place: str) -> Any:
    """A text, a number, or yes and no."""
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    if kind is not float and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    words = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    return _refuse(words.get(kind, str(kind)), value, place)


def _refuse(expected: str, value: Any, place: str) -> Any:
    """Say what was expected where, and what is there."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    short = shown if len(shown) <= 40 else f"{shown[:37]}..."
    raise InputError(f"{place}: expected {expected}, found {short}")
