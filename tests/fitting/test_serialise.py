"""Records from plain data: what fits comes back, what does not is named with its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from memfit.errors import InputError
from memfit.fitting.serialise import field_from_plain, from_plain


@dataclass(frozen=True)
class Inner:
    value: float | None
    pair: tuple[float | None, float | None] | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    count: int
    word: Literal["a", "b"]
    inner: Mapping[str, Inner] = field(default_factory=dict)
    rows: tuple[tuple[float, ...], ...] = ()
    flag: bool = False
    free: Any = None


GOOD = {
    "name": "x",
    "count": 2,
    "word": "a",
    "inner": {"R": {"value": 1, "pair": [None, 2.5], "later": 7}},
    "rows": [[1, 2], [3.5]],
    "flag": True,
    "free": {"any": ["thing"]},
    "unknown": 1,
}


def test_what_fits():
    found = from_plain(Outer, GOOD, "top")
    assert found.inner == {"R": Inner(1.0, (None, 2.5))}
    assert isinstance(found.inner["R"].value, float)
    assert found.rows == ((1.0, 2.0), (3.5,))
    assert (found.flag, found.free) == (True, {"any": ["thing"]})
    assert from_plain(Outer, {"name": "x", "count": 0, "word": "b"}, "top").inner == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 1}, "top.name: expected a text, found 1"),
        ({"count": 1.5}, "top.count: expected a whole number, found 1.5"),
        ({"count": True}, "top.count: expected a whole number, found true"),
        ({"flag": 1}, "top.flag: expected true or false, found 1"),
        ({"word": "c"}, "top.word: expected one of 'a', 'b', found \"c\""),
        ({"inner": []}, "top.inner: expected an object, found []"),
        ({"inner": {"R": {"value": "12k"}}}, 'top.inner.R.value: expected a number, found "12k"'),
        ({"inner": {"R": {}}}, "top.inner.R.value is missing"),
        ({"inner": {"R": {"value": 1, "pair": [1]}}}, "top.inner.R.pair: expected a list of 2, found [1]"),
        ({"rows": [[1], ["x"]]}, 'top.rows[1][0]: expected a number, found "x"'),
        ({"rows": {"a": "b" * 99}}, "top.rows: expected a list, found {"),
    ],
)
def test_what_does_not_fit_is_named(change, said):
    with pytest.raises(InputError) as caught:
        from_plain(Outer, {**GOOD, **change}, "top")
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 100


def test_a_field_by_itself():
    assert field_from_plain(Outer, "rows", {}) == ()
    with pytest.raises(InputError, match=r"^count is missing"):
        field_from_plain(Outer, "count", {})
