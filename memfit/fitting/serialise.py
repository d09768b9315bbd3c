"""The one way from frozen records to plain JSON data and back, by the types of their fields.

What does not fit is named with its place, as in `inputs[1].points: expected a whole number, found null`. Keys
that a record does not have are left aside, so that files of newer programs can be read; keys that are missing
take their defaults. A field marked `SPARSE` is left out where it is empty.

Why not cattrs: it takes 0.2 s to import, a third of a whole `memfit report`; it turns 1 into a text and 1.5
into a whole number where a damaged file has to be refused; and it does not say what it found.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from math import isfinite
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from memfit.errors import InputError, shown

SPARSE: Mapping[str, bool] = MappingProxyType({"sparse": True})
"""Metadata of a field that plain data leave out where it is empty: "", {} or ()."""

_LARGEST: Mapping[type, float] = {float: sys.float_info.max, int: 2**53}
_WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def to_plain(value: Any) -> Any:
    """Records, mappings, sequences, arrays and numbers of NumPy as JSON has them; TypeError for all else.

    Parameters
    ----------
    value : object
        Keys of mappings become texts; fields marked as sparse are left out where they are empty.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        pairs = [(one, getattr(value, one.name)) for one in fields(value)]
        return {f.name: to_plain(v) for f, v in pairs if f.metadata != SPARSE or v not in ("", {}, ())}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (Sequence, np.ndarray)):
        return [to_plain(item) for item in value]
    raise TypeError(f"cannot write a {type(value).__name__} to JSON")


def from_plain(kind: Any, value: Any, place: str = "") -> Any:
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
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _alternative(inner, value, place)
    if origin is Literal:
        return value if value in inner else _refuse(f"one of {', '.join(map(repr, inner))}", value, place)
    if origin is tuple:
        return _sequence(inner, value, place)
    if origin is not None or is_dataclass(kind):
        if not isinstance(value, Mapping):
            _refuse("an object", value, place)
        if origin is not None:  # Mapping[str, X]
            return {name: from_plain(inner[1], item, f"{place}.{name}") for name, item in value.items()}
        return kind(**{one.name: field_from_plain(kind, one.name, value, place) for one in fields(kind)})
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and is_number and abs(value) <= _LARGEST[float]:
        return float(value)
    is_kind = kind is not float and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if is_kind and (kind is not int or abs(value) <= _LARGEST[int]):
        return value
    return _refuse(_WORDS.get(kind, str(kind)), value, place)


def field_from_plain(kind: type, name: str, data: Mapping[str, Any], place: str = "") -> Any:
    """One field of a frozen record, from the plain data of the whole; its default where it is missing.

    Parameters
    ----------
    kind : type
        Dataclass of the record.
    name : str
        Of the field.
    data : mapping
    place : str
        Of the record in the whole, such as "goodness.datasets", for messages.

    Raises
    ------
    InputError
        It is missing and has no default, or is of another kind.
    """
    known, kinds = _layout(kind)
    one, where = known[name], f"{place}.{name}" if place else name
    if name in data:
        return from_plain(kinds[name], data[name], where)
    if one.default_factory is not MISSING:
        return one.default_factory()
    if one.default is MISSING:
        raise InputError(f"{where} is missing")
    return one.default


@cache
def _layout(kind: Any) -> tuple[dict[str, "Field[Any]"], dict[str, Any]]:
    """Fields of a record and their types, by name."""
    return {one.name: one for one in fields(kind)}, get_type_hints(kind)


def _alternative(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """The first of several kinds that fits."""
    if value is None and type(None) in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not type(None))
    for kind in others:
        try:
            return from_plain(kind, value, place)
        except InputError:
            continue
    return from_plain(last, value, place)


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
    return tuple(from_plain(one, item, f"{place}[{i}]") for i, (one, item) in pairs)


def _refuse(expected: str, value: Any, place: str) -> Any:
    """Say what was expected where, and what is there."""
    simple = value is None or isinstance(value, bool | float | str)
    text = json.dumps(value, ensure_ascii=False) if simple else shown(value)
    short = text if len(text) <= 40 else f"{text[:37]}..."
    raise InputError(f"{place or 'the whole'}: expected {expected}, found {short}")
