"""Where the measurements of a stored result are looked for, and in which order."""

from memfit.loaders.device import load_readable, located, places_of

TABLE = "# bias: 0.5 V\nFrequency (Hz),Z_real (ohm),Z_imag (ohm)\n100,10,-1\n10,12,-2\n1,15,-1\n"


def test_the_way_from_a_result_to_its_data(tmp_path):
    stored = located([str(tmp_path / "data" / "a")], tmp_path / "results" / "x")
    assert stored == {"paths": [str(tmp_path / "data" / "a")], "relative": ["../../data/a"]}


def test_order_of_the_places(tmp_path):
    result, moved, old = (tmp_path / name for name in ("moved/result", "moved/data", "old/data"))
    for folder in (result, moved, old):
        folder.mkdir(parents=True)
        (folder / "eis.csv").write_text(TABLE)
    stored = {"relative": ["../data"], "paths": [str(old)]}
    found = list(places_of(stored, result, ["eis.csv", "eis.csv [2]", "absent.csv"]))
    assert found == [[moved], [old], [result / "eis.csv"]]
    (result / "device.toml").write_text("")
    assert [result / "device.toml"] in list(places_of(stored, result, ["eis.csv"]))


def test_what_an_edited_result_says_of_places_is_no_error(tmp_path):
    assert list(places_of({"relative": 5, "paths": [None, 7, "nowhere"]}, tmp_path, ["a.csv"])) == []


def test_what_can_be_read_of_a_device(tmp_path):
    (tmp_path / "good.csv").write_text(TABLE)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "device.toml").write_text(
        "".join(f'[[measurement]]\nfile = "{name}.csv"\n' for name in ("good", "empty", "gone"))
    )
    records, faults = load_readable([tmp_path])
    assert [record.name for record in records] == ["good.csv"]
    assert "empty" in faults["empty.csv"]
    assert "gone.csv" in faults
    assert load_readable([tmp_path / "nowhere"]) == ((), {"nowhere": "it is not there"})
