"""Settings files in TOML: what is wrong is said with its place, all of it at once."""

import pytest

from memfit.errors import ManifestError
from memfit.loaders.settings_file import Checker, read_toml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            b'file = "data\\eis.csv"',
            r'line 1: .*write "data/eis\.csv", or \'data\\eis\.csv\' in single quotes',
        ),
        (b'a = 1\nfile = "C:\\Users\\a.csv"', r'line 2: .*write "C:/Users/a\.csv"'),
        (b'note = "a\\nb"\nbroken', r"expected TOML"),
        (b"name = eis", "Texts stand in quotes"),
        (b'name = "\xff"', "UTF-8"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path, text, words):
    path = tmp_path / "settings.toml"
    path.write_bytes(text)
    with pytest.raises(ManifestError, match=words):
        read_toml(path)


def test_all_mistakes_are_raised_at_once_with_their_lines():
    check = Checker("x.toml", "[a]\nb = 1\n[[c]]\nd = 2\n[[c]]\nd = 3\n")
    assert check.quantity("50 mV", "a, b", "voltage") == 0.05
    assert check.quantity(500, "a, b", "voltage") is None
    assert check.word("x", "c 2, d", {"voltage": 1}) is None
    assert check.range([1, 500], "c 1, d", "voltage") == (1.0, 500.0)
    with pytest.raises(
        ManifestError, match=r"2 mistakes: a, b \(line 2\): expected a unit.*c 2, d \(line 6\)"
    ):
        check.finish()
    Checker("x.toml").finish()
