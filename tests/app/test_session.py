"""What a tab knows: edits, masks, undo, autosave; and that tabs and devices do not mix."""

import json

import numpy as np
import pytest

from memfit.app.autosave import STATE_FOLDER
from memfit.app.desk import Desk, Opened
from memfit.app.screens.data import edit_cell, use
from memfit.app.screens.record import copy_mask, put_mask
from memfit.errors import ManifestError
from memfit.loaders.device import load_device

ONE, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def desk(folder):
    made = Desk(Opened(folder))
    yield made
    made.close()


def session_of(desk, tab=ONE):
    session = desk.session(tab, desk.key_of(desk.root))
    assert session is not None
    return session


def row_of(session, file):
    return next(row for row in session.rows() if row.file == file)


def test_a_bias_is_corrected_and_undone(desk, folder):
    session = session_of(desk)
    before = (folder / "device.toml").read_text()
    edit_cell(session, row_of(session, "eis_0.58V.csv"), "bias", "0.6 V")
    (record,) = row_of(session, "eis_0.58V.csv").records
    assert record.bias_voltage == 0.6
    assert next(r for r in load_device(folder).records if r.name == record.name).bias_voltage == 0.6
    session.go_to(session.at - 1)
    assert row_of(session, "eis_0.58V.csv").records[0].bias_voltage == 0.58
    assert load_device(folder).records[3].bias_voltage == 0.58
    assert (folder / "device.toml.bak").read_text() == before
    with pytest.raises(ManifestError):
        edit_cell(session, row_of(session, "eis_0.58V.csv"), "bias", "much")
    assert row_of(session, "eis_0.58V.csv").records[0].bias_voltage == 0.58


def test_what_is_not_used_is_not_read_by_the_command_line(desk, folder):
    session = session_of(desk)
    use(session, row_of(session, "iv_5Vs.csv"), used=False)
    assert "iv_5Vs.csv" not in [record.name for record in load_device(folder).records]
    use(session, row_of(session, "iv_5Vs.csv"), used=True)
    assert "iv_5Vs.csv" in [record.name for record in load_device(folder).records]


def test_points_are_masked_copied_and_stay_visible(desk, folder):
    session = session_of(desk)
    row = row_of(session, "eis_0.58V.csv")
    record = row.records[0]
    keep = np.ones(record.points, dtype=bool)
    keep[[2, 4]] = False
    put_mask(session, row, record, keep)
    row = row_of(session, "eis_0.58V.csv")
    assert row.records[0].points == record.points
    assert row.masked == {"": (3, 5)}
    assert load_device(folder).records[3].points == record.points - 2
    copy_mask(session, row, row.records[0])
    assert [r.points for r in load_device(folder).spectra] == [record.points - 2] * 8
    session.go_to(0)
    assert [r.points for r in load_device(folder).spectra] == [record.points] * 8


def test_faults_stand_at_their_row_and_the_rest_goes_on(folder):
    (folder / "device.toml").unlink()
    (folder / "broken.csv").write_text("Frequency (Hz), Z_real (ohm)\n1, 2\n3, x\n")
    (folder / "copy.csv").write_bytes((folder / "eis_0.58V.csv").read_bytes())
    desk = Desk(Opened(folder))
    session = session_of(desk)
    rows = {row.file: row for row in session.rows()}
    assert rows["README.md"].junk
    assert "expected Z' and Z''" in rows["broken.csv"].fault
    assert any("The same numbers as" in alarm for row in rows.values() for alarm in row.alarms)
    assert len(session.used()) == 14
    session.settle_file()
    assert len(load_device(folder).records) == 14
    desk.close()


def test_state_survives_a_crash_and_tabs_do_not_mix(desk, folder):
    session, other = session_of(desk), session_of(desk, OTHER)
    assert session is not other
    session.change("moved", choice=session.step.choice.moved("R_b", 2e5))
    assert "R_b" not in other.step.choice.values
    again = Desk(Opened(folder))
    assert session_of(again).step.choice.values["R_b"] == 2e5
    assert [step.name for step in session_of(again).steps] == ["opened", "moved"]
    fresh = session_of(again, "00000000ffffffff")
    assert fresh.step.choice.values["R_b"] == 2e5  # a new tab goes on from the newest state
    again.close()
    measured = {path.name for path in folder.iterdir()} - {STATE_FOLDER}
    assert "state" not in " ".join(measured)


def test_a_damaged_state_is_no_harm(desk, folder):
    session = session_of(desk)
    session.save()
    (state,) = (folder / STATE_FOLDER).glob("state-*.json")
    for text in (
        "",
        "{",
        "[]",
        json.dumps({"steps": [], "at": 0}),
        json.dumps({"steps": [{"name": 1}], "at": "x"}),
    ):
        state.write_text(text)
        again = Desk(Opened(folder))
        assert len(session_of(again).rows()) > 14
        again.close()


def test_device_toml_by_hand_holds_before_the_state(desk, folder):
    session = session_of(desk)
    edit_cell(session, row_of(session, "eis_0.58V.csv"), "bias", "0.6 V")
    text = (folder / "device.toml").read_text().replace("0.6 V", "0.61 V")
    (folder / "device.toml").write_text(text)
    again = Desk(Opened(folder))
    assert row_of(session_of(again), "eis_0.58V.csv").records[0].bias_voltage == 0.61
    again.close()
