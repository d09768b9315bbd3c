"""The real files of ../shared/data: each is read or refused as its provenance says."""

from pathlib import Path

import numpy as np
import pytest
from paths import DATA, needs_real_files

from memfit.errors import FileFormatError, InputError
from memfit.loaders.inspection import inspect_file
from memfit.loaders.raw import FileSettings, open_source
from memfit.loaders.registry import read_file, read_tables
from memfit.loaders.tidy import format_record

needs_real_files()

# file: kind, number of records, points of the first record, control, bias (V) of the first record
EXPECTED = {
    "eis/gamry/impedancepy_exampleDataGamry.DTA": ("impedance", 1, 72, "voltage", -0.34111),
    "eis/gamry/impedancepy_exampleDataGamryABORT.DTA": ("impedance", 1, 72, "voltage", -0.34111),
    "eis/gamry/gamryparser_eispot_data.dta": ("impedance", 1, 10, "voltage", 1.29921),
    "eis/gamry/hybriddrt_EISGALV_EISTest3.DTA": ("impedance", 1, 71, "current", 1.46254),
    "eis/gamry/pyimpspec_data.dta": ("impedance", 1, 29, "voltage", -4.75e-5),
    "eis/gamry/pyimpspec_drift-corrected-data.dta": ("impedance", 1, 55, "voltage", 0.36962),
    "eis/biologic/speis_Hem1_EIS_dark.mpt": ("impedance", 41, 41, "voltage", -0.4002),
    "eis/biologic/impedancepy_exampleDataBioLogic.mpt": ("impedance", 1, 43, "voltage", -0.000266),
    "eis/biologic/pyeis_ex1.mpt": ("impedance", 2, 59, "voltage", -1.0503),
    "eis/biologic/yadg_peis.mpt": ("impedance", 1, 32, "voltage", -3.5914),
    "eis/biologic/yadg_peis.mpr": ("impedance", 1, 32, "voltage", -3.5914),
    "eis/biologic/yadg_geis.mpt": ("impedance", 61, 41, "current", 0.06716),
    "eis/biologic/yadg_geis.mpr": ("impedance", 61, 41, "current", 0.06716),
    "eis/biologic/yadg_peis.issue_149.mpt": ("impedance", 4, 21, "voltage", 3.42215),
    "eis/biologic/yadg_peis.issue_149.mpr": ("impedance", 4, 21, "voltage", 3.42215),
    "eis/biologic/hybriddrt_PEIS_LPSCl_IonBlocking_-25C.txt": ("impedance", 1, 79, "voltage", -0.08004),
    "eis/biologic/hybriddrt_PEIS_LPSCl_IonBlocking_-25C.mpr": ("impedance", 1, 79, "voltage", -0.08004),
    "eis/biologic/pyimpspec_case-multiple-spectra.mpt": ("impedance", 3, 29, "voltage", 0.0),
    "eis/relaxis/hybriddrt_PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt": (
        "impedance",
        1,
        79,
        "voltage",
        -0.080042,
    ),
    "eis/zview/impedancepy_Circuit1_EIS_1.z": ("impedance", 1, 48, "voltage", 0.0),
    "eis/zview/impedancepy_Circuit3_EIS_1.z": ("impedance", 1, 53, "voltage", 0.0),
    "eis/zview/impedancepy_exampleDataZPlot.z": ("impedance", 1, 21, "voltage", 0.0),
    "eis/zview/impedancepy_exampleDataZPlot_noComments.z": ("impedance", 1, 31, "voltage", 0.0),
    "eis/autolab/impedancepy_exampleDataAutolab.txt": ("impedance", 1, 41, "voltage", 0.0),
    "eis/autolab/pyimpspec_data.dfr": ("impedance", 1, 29, "voltage", None),
    "eis/chinstruments/impedancepy_exampleDataCHInstruments.txt": ("impedance", 1, 73, "voltage", 0.0),
    "eis/ametek/impedancepy_exampleDataParstat.txt": ("impedance", 1, 31, "voltage", 3.50029),
    "eis/ametek/impedancepy_exampleDataPowersuite.txt": ("impedance", 1, 30, "voltage", None),
    "eis/ametek/impedancepy_exampleDataVersaStudio.par": ("impedance", 1, 61, "voltage", 0.0),
    "eis/ivium/pyimpspec_data.idf": ("impedance", 1, 29, "voltage", 0.0),
    "eis/palmsens/pyimpspec_data.pssession": ("impedance", 1, 51, "voltage", 6.8e-6),
    "eis/other/pyimpspec_data.P00": ("impedance", 1, 29, "voltage", 0.30981),
    "eis/other/pyimpspec_data.i2b": ("impedance", 1, 29, "voltage", None),
    "eis/zahner/000_mvdc.ism": ("impedance", 1, 38, "voltage", 0.0255),
    "eis/zahner/050_mvdc.ism": ("impedance", 1, 38, "voltage", 0.0755),
    "eis/zahner/100_mvdc.ism": ("impedance", 1, 38, "voltage", 0.125),
    "eis/zahner/150_mvdc.ism": ("impedance", 1, 38, "voltage", 0.175),
    "eis/zahner/200_mvdc.ism": ("impedance", 1, 38, "voltage", 0.225),
    "eis/zahner/300_mvdc.ism": ("impedance", 1, 38, "voltage", 0.325),
    "eis/zahner/li-ion-battery.ism": ("impedance", 1, 128, "voltage", 0.0),
    "eis/zahner/zhit_drift.ism": ("impedance", 1, 47, "voltage", 0.0),
    "eis/mfia/mfia_pv_sequence.xlsx": ("impedance", 11, 99, "voltage", -0.2),
    "eis/mfia/mfia_pv_sweep.xlsx": ("impedance", 1, 100, "voltage", -0.7),
    "eis/paios_perovskite/pero_l358_full.npz": ("impedance", 22, 90, "voltage", None),
    "eis/generic/impedancepy_exampleData.csv": ("impedance", 1, 66, "voltage", None),
    "eis/generic/pyimpspec_data-comma-decimal-separator.csv": ("impedance", 1, 29, "voltage", None),
    "eis/generic/pyimpspec_data-semicolon.csv": ("impedance", 1, 29, "voltage", None),
    "eis/generic/pyimpspec_data-header-variant-2.csv": ("impedance", 1, 29, "voltage", None),
    "eis/generic/pyimpspec_case-multiple-spectra.csv": ("impedance", 4, 29, "voltage", None),
    "eis/generic/pyimpspec_data.xlsx": ("impedance", 4, 29, "voltage", None),
    "eis/generic/impedancefitter_impedance1V_10.csv": ("impedance", 1, 640, "voltage", None),
    "eis/generic/pydrttools_LIB_data.txt": ("impedance", 1, 107, "voltage", None),
    "iv/switchbox_nottingham/8-FS-3.5v-Chris_Devices-3.txt": ("iv", 3, 283, "voltage", None),
    "iv/switchbox_nottingham/17-FS-0.3v-Chris_Devices-3.txt": ("iv", 3, 27, "voltage", None),
    "iv/switchbox_nottingham/3-FS-2.0v-St_v2.txt": ("iv", 3, 161, "voltage", None),
    "iv/switchbox_nottingham/31-FS-2.5v-St_v1-5.txt": ("iv", 5, 203, "voltage", None),
    "iv/switchbox_nottingham/37-FS-3.0v-St_v1-10.02.txt": ("iv", 10, 243, "voltage", None),
    "iv/switchbox_nottingham/G-10-34.txt": ("iv", 5, 123, "voltage", None),
    "iv/knowm/5kohm_0p8V_1Hz_M1_Memristor.csv": ("iv", 1, 200, "voltage", None),
    "iv/knowm/5kohm_0p8V_10Hz_M1_Memristor.csv": ("iv", 1, 200, "voltage", None),
    "iv/knowm/5kohm_0p8V_100Hz_M1_Memristor.csv": ("iv", 1, 200, "voltage", None),
    "iv/knowm/5kohm_0p8V_1000Hz_M1_Memristor.csv": ("iv", 1, 200, "voltage", None),
    "iv/knowm/5kohm_0p8V_10Hz_M1_ResistorPlusMemristor.csv": ("iv", 1, 200, "voltage", None),
    "iv/hzb_perovskite/HZB_MMX_rev.jv.txt": ("iv", 1, 161 - 13, "voltage", None),
    "iv/hzb_perovskite/HZB_MiGo_6channels.jv.txt": ("iv", 6, 73, "voltage", None),
    "iv/hzb_perovskite/SE-ALM_RM_KW40_0_8.jv.txt": ("iv", 24, 71, "voltage", None),
    "iv/palmsens_psc/10R-1.csv": ("iv", 1, 280, "voltage", None),
    "iv/palmsens_psc/11R.csv": ("iv", 1, 280, "voltage", None),
    "iv/oect/bongartz_bistable_oect_transfer.csv": ("iv", 1, 122, "voltage", None),
    "iv/keithley2450/current_sweep_test_RC_LOAD.txt": ("iv", 3, 10, "current", None),
    "iv/keithley2450/current_sweep_test_R10K_LOAD.txt": ("iv", 3, 10, "current", None),
    "iv/biologic/yadg_cva.issue_202.mpt": ("iv", 1, 431, "voltage", None),
    "iv/biologic/yadg_cva.issue_202.mpr": ("iv", 1, 431, "voltage", None),
    "iv/gamry/unitpackage_gamry_cv.DTA": ("iv", 1, 81, "voltage", None),
    "iv/gamry/gamryparser_cv_data.dta": ("iv", 5, 10, "voltage", None),
    "iv/grapa/I-V_SAMPLE_A_a2_02_dark.txt": ("iv", 1, 59, "voltage", None),
    "transient/gamry/gamryparser_chronoa_data.dta": ("transient", 1, 10, "voltage", None),
    "transient/gamry/gamryparser_chronoa_de_data.dta": ("transient", 1, 10, "voltage", None),
    "transient/gamry/gamryparser_squarewave_data.dta": ("transient", 2, 10, "voltage", None),
    "transient/gamry/gamryparser_vfp600_data.dta": ("transient", 1, 20, "voltage", None),
    "transient/biologic/yadg_ca.mpt": ("transient", 1, 721, "voltage", None),
    "transient/biologic/yadg_ca.mpr": ("transient", 1, 721, "voltage", None),
    "transient/biologic/yadg_ca.issue_149.mpt": ("transient", 1, 80, "voltage", None),
    "transient/biologic/yadg_cp.mpt": ("transient", 1, 121, "current", None),
    "transient/biologic/yadg_cp.mpr": ("transient", 1, 121, "current", None),
    "transient/biologic/yadg_cp.issue_61.mpt": ("transient", 1, 312, "current", None),
    "transient/biologic/yadg_cp.issue_149.mpt": ("transient", 1, 44, "current", None),
    "transient/biologic/yadg_mb.issue_95.de.mpt": ("transient", 1, 33, "current", None),
    "transient/keithley2450/test_battery_nplc_02_0.1.csv": ("transient", 1, 1999, "current", None),
    "transient/pybop_hppc/sample_hppc_pulse.xlsx": ("transient", 1, 403, "current", None),
    "transient/hzb_perovskite/hzb_TestP_AA_2_c-5.mppt.txt": ("transient", 60, 279, "voltage", None),
}
CV_CUT = "iv/biologic/ixdat_Pt_poly_cv_CUT.mpt"
NEEDS_AREA = "iv/grapa/TF_2017-04-04_Oct1143_iv0001_20.csv"
SCOPES = {  # file: channels, samples, step (s), time of the first sample (s)
    "transient/rigol/DS1054Z-A.csv": (4, 1200, 5e-10, -3e-7),
    "transient/rigol/DS1102E-D.csv": (2, 600, 2e-6, -6e-4),
    "transient/rigol/DS4024-A.csv": (2, 1356, 2e-6, -1.4e-3 + 22 * 2e-6),
    "transient/rigol/DS1052E.csv": (2, 8192, 2e-9, 0.0),
    "transient/lecroy/lecroy_3.trc": (1, 502, 1e-9, None),
}
REFUSED = {
    "eis/biologic/impedancepy_exampleDataBioLogic_MissingFreq.mpt": "column of the frequency",
    "eis/fuelcell/pem_constant_current_1.csv": "column of the frequency",
}
LOOK_ALIKE = (  # one 29-point spectrum in many formats, with the digits that each prints
    ("eis/gamry/pyimpspec_data.dta", 1e-5),
    ("eis/biologic/pyimpspec_case-multiple-spectra.mpt", 1e-6),
    ("eis/autolab/pyimpspec_data.dfr", 1e-12),
    ("eis/ivium/pyimpspec_data.idf", 1e-5),
    ("eis/other/pyimpspec_data.P00", 2e-3),
    ("eis/other/pyimpspec_data.i2b", 1e-12),
    ("eis/generic/pyimpspec_data-comma-decimal-separator.csv", 1e-12),
    ("eis/generic/pyimpspec_data-header-variant-2.csv", 1e-12),
    ("eis/generic/pyimpspec_case-multiple-spectra.csv", 1e-12),
    ("eis/generic/pyimpspec_data.xlsx", 1e-12),
)
TWINS = (
    ("eis/biologic/yadg_peis.mpt", "eis/biologic/yadg_peis.mpr"),
    ("eis/biologic/yadg_geis.mpt", "eis/biologic/yadg_geis.mpr"),
    ("eis/biologic/yadg_peis.issue_149.mpt", "eis/biologic/yadg_peis.issue_149.mpr"),
    (
        "eis/biologic/hybriddrt_PEIS_LPSCl_IonBlocking_-25C.txt",
        "eis/biologic/hybriddrt_PEIS_LPSCl_IonBlocking_-25C.mpr",
    ),
    ("iv/biologic/yadg_cva.issue_202.mpt", "iv/biologic/yadg_cva.issue_202.mpr"),
    ("transient/biologic/yadg_ca.mpt", "transient/biologic/yadg_ca.mpr"),
    ("transient/biologic/yadg_cp.mpt", "transient/biologic/yadg_cp.mpr"),
    ("transient/gamry/gamryparser_chronoa_data.dta", "transient/gamry/gamryparser_chronoa_de_data.dta"),
)


def test_every_file_is_spoken_of():
    spoken = {*EXPECTED, *SCOPES, *REFUSED, CV_CUT, NEEDS_AREA}
    there = {str(p.relative_to(DATA)) for p in DATA.rglob("*") if p.is_file() and p.suffix != ".md"}
    assert there == spoken
    assert len(there) == 100


@pytest.mark.parametrize("file", EXPECTED)
def test_a_file_is_read(file):
    kind, count, points, control, bias = EXPECTED[file]
    records = read_file(DATA / file)
    first = records[0]
    assert (first.kind, len(records), first.points, first.control) == (kind, count, points, control)
    assert len({record.name for record in records}) == count
    assert all(record.origin.sha256 for record in records)
    if kind == "impedance":
        assert all(np.isfinite(record.impedance).all() for record in records)
        if bias is None:
            assert first.bias_voltage is None
        else:
            assert first.bias_voltage == pytest.approx(bias, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize("file", REFUSED)
def test_a_file_without_frequencies_is_refused(file):
    with pytest.raises(FileFormatError, match=REFUSED[file]) as caught:
        read_file(DATA / file)
    assert Path(file).name in str(caught.value)


@pytest.mark.parametrize("file", SCOPES)
def test_an_oscilloscope_needs_a_word_of_device_toml(file):
    channels, samples, step, start = SCOPES[file]
    _, tables = read_tables(open_source(DATA / file))
    columns = tables[0].columns
    time = columns["time"]
    assert (len(columns) - 1, time.size) == (channels, samples)
    assert np.median(np.diff(time)) == pytest.approx(step, rel=1e-3)
    if start is not None:
        assert time[0] == pytest.approx(start, rel=1e-6, abs=1e-15)
    with pytest.raises(InputError, match=r"device\.toml"):
        read_file(DATA / file)
    report = inspect_file(DATA / file)
    assert report.records[0].points == samples
    assert report.missing
    names = [name for name in columns if name != "time"]
    if channels >= 2:
        settings = FileSettings(
            columns={"voltage": names[0], "current": names[1]}, sense_resistance=50.0, control="voltage"
        )
        (record,) = read_file(DATA / file, settings)
        np.testing.assert_allclose(record.current, columns[names[1]] / 50)


def test_a_lecroy_sequence_has_segments():
    _, tables = read_tables(open_source(DATA / "transient/lecroy/lecroy_3.trc"))
    assert len(tables) == 20
    assert all(np.isfinite(table.columns["C2"]).all() for table in tables)


def test_a_density_without_area_needs_one():
    with pytest.raises(FileFormatError, match="area"):
        read_file(DATA / NEEDS_AREA)
    (record,) = read_file(DATA / NEEDS_AREA, FileSettings(area=0.5e-4))
    assert record.points == 101
    assert record.voltage[0] == pytest.approx(-0.3)
    assert record.current[0] == pytest.approx(-42.8039551666667e-3 * 0.5)


def test_a_file_cut_by_hand_is_read_as_far_as_it_goes():
    records = read_file(DATA / CV_CUT)
    assert sum(record.points for record in records) == 223
    assert {record.kind for record in records} == {"iv"}


@pytest.mark.parametrize(("first", "second"), TWINS)
def test_twins_are_identical(first, second):
    for a, b in zip(read_file(DATA / first), read_file(DATA / second), strict=True):
        assert (a.kind, a.origin.part, a.control) == (b.kind, b.origin.part, b.control)
        if a.kind == "impedance":
            np.testing.assert_array_equal(a.frequency, b.frequency)
            np.testing.assert_array_equal(a.impedance, b.impedance)
            assert a.bias_voltage == b.bias_voltage
            assert a.bias_current == b.bias_current
        else:
            # the German Gamry file has its first row rounded to one digit
            rows = slice(1 if "gamry" in first else 0, None)
            np.testing.assert_array_equal(a.voltage[rows], b.voltage[rows])
            # EC-Lab prints a few numbers of 16 digits off by one in the last
            np.testing.assert_allclose(a.current[rows], b.current[rows], rtol=2e-15)
            np.testing.assert_allclose(a.time, b.time, rtol=1e-13)
            assert a.drive.value.size == b.drive.value.size


@pytest.mark.parametrize(("file", "digits"), LOOK_ALIKE)
def test_one_spectrum_in_many_formats(file, digits):
    reference = read_file(DATA / "eis/generic/pyimpspec_data-semicolon.csv")[0]
    for record in read_file(DATA / file):
        if record.points == reference.points:
            np.testing.assert_allclose(record.frequency, reference.frequency, rtol=digits)
            np.testing.assert_allclose(record.impedance, reference.impedance, rtol=digits)


def test_a_spectrum_exported_by_another_program_is_the_same():
    a = read_file(DATA / "eis/biologic/hybriddrt_PEIS_LPSCl_IonBlocking_-25C.txt")[0]
    b = read_file(DATA / "eis/relaxis/hybriddrt_PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt")[0]
    np.testing.assert_allclose(a.frequency, b.frequency[::-1], rtol=1e-6)
    np.testing.assert_allclose(a.impedance, b.impedance[::-1], rtol=1e-5)
    assert a.bias_voltage == pytest.approx(b.bias_voltage, abs=1e-5)


@pytest.mark.parametrize(
    ("file", "resistance"),
    [("000", 8640), ("050", 2450), ("100", 358), ("150", 51.6), ("200", 7.50), ("300", 0.200)],
)
def test_a_bias_series_of_a_diode(file, resistance):
    (record,) = read_file(DATA / f"eis/zahner/{file}_mvdc.ism")
    slowest = record.impedance[np.argmin(record.frequency)]
    assert slowest.real == pytest.approx(resistance, rel=0.02)
    assert any("the content holds" in note for note in record.notes)
    doubted = any("-1.825 nA does not go with the bias of 25.5 mV" in note for note in record.notes)
    assert doubted == (file == "000")


def test_a_bias_series_in_a_workbook():
    records = read_file(DATA / "eis/mfia/mfia_pv_sequence.xlsx")
    biases = [record.bias_voltage for record in records]
    np.testing.assert_allclose(biases, np.linspace(-0.2, 0.8, 11), atol=1e-4)
    slowest = [record.impedance[np.argmin(record.frequency)].real for record in records]
    expected = [7578, 4970, 2646, 1269, 577, 275, 142, 76.7, 41.9, 23.4, 15.5]
    np.testing.assert_allclose(slowest, expected, rtol=0.01)
    assert sum(any("1 empty row" in note for note in record.notes) for record in records) == 8


def test_biases_of_a_staircase():
    records = read_file(DATA / "eis/biologic/speis_Hem1_EIS_dark.mpt")
    biases = np.array([record.bias_voltage for record in records])
    np.testing.assert_allclose(biases, np.linspace(-0.4, 0.6, 41), atol=2e-3)
    assert {record.amplitude for record in records} == {0.025}


def test_a_current_staircase_is_a_drive_of_steps():
    (record,) = read_file(DATA / "transient/biologic/yadg_cp.issue_61.mpt")
    steps = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5])
    levels = np.unique(np.round(record.drive.value, 3))
    np.testing.assert_allclose(np.intersect1d(levels, steps), steps)
    assert record.time[0] == 0


def test_a_memristor_in_series_with_a_resistor():
    alone = read_file(DATA / "iv/knowm/5kohm_0p8V_10Hz_M1_Memristor.csv")[0]
    both = read_file(DATA / "iv/knowm/5kohm_0p8V_10Hz_M1_ResistorPlusMemristor.csv")[0]
    np.testing.assert_allclose(both.voltage - 5000 * both.current, alone.voltage, atol=2e-3)


def test_a_resistor_of_ten_kiloohm():
    record = read_file(DATA / "iv/keithley2450/current_sweep_test_R10K_LOAD.txt")[0]
    assert record.voltage[1] / record.current[1] == pytest.approx(1.15e4, rel=0.05)
    assert record.control == "current"


def test_a_lost_clock_is_noticed():
    record = read_file(DATA / "iv/switchbox_nottingham/8-FS-3.5v-Chris_Devices-3.txt")[0]
    assert record.time is None
    assert any("constant" in note for note in record.notes)


def test_a_hit_compliance_is_left_out():
    (record,) = read_file(DATA / "iv/hzb_perovskite/HZB_MMX_rev.jv.txt")
    assert record.current.max() < 5e-3
    assert record.current[record.voltage == 0.0] == pytest.approx(-3.79e-3, rel=0.01)


def test_a_limit_that_no_file_states_is_seen_and_left_out():
    """24 of the 455 points of this file stand at 2.505 mA, the end of the current range."""
    (record,) = read_file(DATA / "iv/biologic/yadg_cva.issue_202.mpt")
    assert any("24 points on a plateau at 2.505 mA" in note for note in record.notes)
    (whole,) = read_file(DATA / "iv/biologic/yadg_cva.issue_202.mpt", FileSettings(compliance=1.0))
    assert whole.points == 455


def test_gate_voltage_and_drain_current_of_a_transistor():
    (record,) = read_file(DATA / "iv/oect/bongartz_bistable_oect_transfer.csv")
    assert (record.voltage.min(), record.voltage.max()) == (-1.5, 1.5)
    assert record.current[0] == -6.08e-4


@pytest.mark.parametrize("file", sorted(EXPECTED))
def test_a_record_survives_the_tidy_table(file, tmp_path):
    record = read_file(DATA / file)[0]
    path = tmp_path / "tidy.csv"
    path.write_text(format_record(record), encoding="utf-8")
    (again,) = read_file(path)
    assert (again.name, again.metadata, again.notes) == (record.name, record.metadata, record.notes)
    if record.kind == "impedance":
        np.testing.assert_array_equal(again.impedance, record.impedance)
    else:
        np.testing.assert_array_equal(again.current, record.current)
        assert again.points == record.points
