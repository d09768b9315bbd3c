"""The tree of errors as its page draws it, and messages that say where."""

import inspect

import pytest

from memfit import errors
from memfit.errors import FileFormatError, InputError, MemfitError


def test_every_error_is_a_memfit_error_and_is_drawn():
    found = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)]
    assert MemfitError in found
    for cls in found:
        assert issubclass(cls, MemfitError)
        assert cls.__name__ in errors.__doc__
        assert cls.__doc__


def test_what_a_user_gave_is_an_input_error():
    for name in ("FileFormatError", "ManifestError", "UnitError", "ParameterError"):
        assert issubclass(getattr(errors, name), InputError)
    assert not issubclass(errors.OutputError, InputError)
    assert not issubclass(errors.DependencyError, InputError)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "no table"),
        ({"file": "a.csv"}, "a.csv: no table"),
        ({"file": "a.csv", "line": 3}, "a.csv, line 3: no table"),
        ({"file": "a.csv", "line": 3, "column": "V"}, "a.csv, line 3, column 'V': no table"),
        ({"file": "a.csv", "column": 2}, "a.csv, column 2: no table"),
    ],
)
def test_a_format_error_names_the_place(place, text):
    error = FileFormatError("no table", **place)
    assert str(error) == text
    assert error.file == place.get("file")
    assert error.line == place.get("line")
    assert error.column == place.get("column")


def test_the_word_that_was_meant():
    known = ["R_b", "C_m", "R_s"]
    assert errors.meant("r_B", known) == "did you mean 'R_b'?"
    assert errors.meant("R_x", known, most=3) == "did you mean 'R_s' or 'R_b'?"
    assert errors.meant("tau", known) == "expected one of R_b, C_m, R_s."
    assert errors.meant("tau", known, "there is none.") == "there is none."
