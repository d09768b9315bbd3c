"""The sheet as plain data and as a table."""

import json


def test_plain_data_is_json(sheet):
    plain = json.loads(json.dumps(sheet.to_dict(), allow_nan=False))
    assert plain["schema"] == "memfit/figures-of-merit/1"
    assert len(plain["figures"]) == len(sheet.entries)
    assert set(plain["curves"]) == {"area", "ppf", "train", "retention"}


def test_a_row_for_each_entry(sheet):
    frame = sheet.to_frame()
    assert len(frame) == len(sheet.entries)
    assert {"figure", "unit", "conditions", "measured", "predicted", "predicted_ci95_low"} <= set(frame)
    assert frame["predicted"].notna().sum() > 30
