"""Tables: what each holds, row by row; for programs nothing is rounded away and every point is there."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.datasets import IVSweep
from memfit.fitting import Conflict, Estimate, FittedRecord
from memfit.reporting.content import Graded
from memfit.reporting.fit.tables import (
    RESIDUAL_COLUMNS,
    alternatives_table,
    changes_table,
    conflicts_table,
    correlation_table,
    estimates_csv,
    estimates_table,
    excluded_table,
    goodness_table,
    hopf_table,
    inputs_table,
    mapping_table,
    noise_text,
    residuals_csv,
    starts_table,
)
from memfit.reporting.writers.folder import table_csv


def test_estimates_of_every_status():
    estimates = {
        "R_b": Estimate(value=12e3, unit="ohm", stderr=51.0, ci95=(11.9e3, 12.1e3)),
        "tau_d": Estimate(value=0.012, unit="s", stderr=0.004, ci95=(0.006, None), status="weak"),
        "tau_k": Estimate(value=None, unit="s", status="undetermined"),
        "R_s": Estimate(value=20.0, unit="ohm", status="fixed"),
        "gain_iv": Estimate(value=1.02, unit="", stderr=0.01, ci95=(1.0, 1.04), status="at_bound"),
    }
    rows = estimates_table("parameters", estimates).rows
    assert [row[:4] for row in rows] == [
        ("R_b", "12.000(51) kΩ", "11.900 to 12.100 kΩ", "determined"),
        ("tau_d", "12.0(40) ms", "above 6.00 ms", "weakly determined"),
        ("tau_k", "–", "–", "not determined"),
        ("R_s", "20 Ω", "–", "fixed"),
        ("gain_iv", "1.020", "–", "at its bound"),
    ]


def test_goodness_has_a_row_a_record(result):
    table = goodness_table(result)
    assert [row[0] for row in table.rows] == [item.file for item in result.goodness.datasets]
    noise = [row[5] for row in table.rows]
    assert noise[0].endswith(" %")
    assert noise[-1].endswith("V")


def test_noise_in_words():
    assert noise_text({"relative": 0.01, "floor": 2e-8}, "A") == "1.0 % + 20 nA"
    assert noise_text({"relative": 0.0, "floor": 3e-3}, "V") == "3.0 mV"
    assert noise_text({}, "V") == "–"


def test_correlations_are_graded_by_size(result):
    matrix = ((1.0, -0.5), (-0.5, 1.0))
    small = replace(result, covariance_names=("R_b", "C_m"), covariance=matrix)
    table = correlation_table(small)
    assert table.rows[0] == ("R_b", Graded("1.00", 4), Graded("−0.50", -2))
    unseen = replace(small, covariance=((0.0, 0.0), (0.0, 1.0)))
    assert correlation_table(unseen).rows[0][2] == Graded("0.00", 0)


def test_hopf_points_and_changes_come_from_the_analysis(result):
    hopf = hopf_table(result.stability)
    assert [row[0] for row in hopf.rows] == ["current control", "current control"]
    assert hopf.rows[0][-1] == "supercritical"
    changes = changes_table(result.stability)
    names = [row[0] for row in changes.rows]
    assert names[:6] == ["R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k"]
    assert changes.rows[0][2].startswith("× 0.2")
    across, series = (changes.rows[names.index(name)] for name in ("R_shunt", "R_load"))
    assert across[1:] == ("resistance added across the device", across[2], "–")
    assert series[1:] == ("resistance added in series with the device", "–", series[3])
    assert across[2].endswith("kΩ")
    assert series[3].endswith("kΩ")
    older = {"current": {"changes_to_hopf": {"R_b": 2.0}, "values_to_hopf": {"R_load": 1e3}}}
    assert [row[0] for row in changes_table(older).rows] == ["R_b", "R_shunt"]


def test_without_an_analysis_there_are_no_such_tables():
    assert hopf_table({}) is None
    assert changes_table({"current": {"verdict": "undetermined"}}) is None
    nothing = {"changes_to_hopf": {"R_b": None}, "values_to_hopf": {"R_shunt": None}}
    for verdict in ("undetermined", "oscillates"):  # the latter by its own spectra
        assert changes_table({"current": {"verdict": verdict, **nothing}}) is None
    assert changes_table({"current": {**nothing, "gain_margin_min": 3.0}}).rows[0][2] == "none does"


def test_first_values_alternatives_and_exclusions(result):
    starts = starts_table(result)
    assert [row[0] for row in starts.rows] == list(result.parameters)
    assert all(row[3] for row in starts.rows)
    alternatives = alternatives_table(result)
    assert alternatives.rows[0][:2] == ("tau_d and tau_k swapped", "9214")
    assert [column.title for column in alternatives.columns[2:]] == list(result.parameters)
    assert excluded_table(result).rows == (("eis_0.68V.csv", "7", "f = 50 Hz", "mains hum"),)


def test_conflicts_are_listed_with_the_kind_left_out(result):
    told = replace(result, conflicts=(Conflict(left_out="iv", parameter="R_b", shift=-7.25),))
    assert conflicts_table(told).rows == (("R_b", "I-V sweeps", "−7.3"),)
    assert conflicts_table(result).rows == ()


def test_inputs_tell_points_bias_and_digest(result):
    item = replace(result.inputs[0], sha256="ab" * 32, used=47, warnings=("One.", "Two."))
    row = inputs_table(replace(result, inputs=(item,))).rows[0]
    assert row[2] == f"47 of {item.points}"
    assert row[5:] == ("ab" * 32, "One. Two.")


def test_nested_settings_become_rows():
    table = mapping_table(
        "plan", {"seed": 7, "fix": {}, "bounds": {"V_m": [0.015, 0.4]}, "robust": False, "x": None}
    )
    assert table.rows == (
        ("seed", "7"),
        ("fix", "none"),
        ("bounds.V_m", "0.015, 0.4"),
        ("robust", "no"),
        ("x", "none"),
    )


def test_residuals_of_a_quasi_steady_curve_stand_against_voltage():
    sweep = IVSweep(name="iv", voltage=np.array([0.0, 1.0]), current=np.array([0.0, 2.0]))
    item = FittedRecord(
        record=sweep, predicted=np.array([0.5, 1.0]), sigma=np.array([0.5, 0.5]), used=np.array([True, False])
    )
    head, *rows = residuals_csv([item]).splitlines()
    assert head.split(",") == list(RESIDUAL_COLUMNS)
    assert rows == ["iv,0,voltage,0,V,current,0,0.5,0.5,-1,True", "iv,1,voltage,1,V,current,2,1,0.5,2,False"]


@pytest.mark.parametrize("key", ["parameters", "derived"])
def test_a_table_for_people_as_csv(result, key):
    estimates = getattr(result, key)
    lines = table_csv(estimates_table(key, estimates)).splitlines()
    assert lines[0] == "Symbol,Value,95 % interval,Status,Quantity"
    assert len(lines) == 1 + len(estimates)


def test_parameters_in_full(result):
    head, *rows = estimates_csv(result).splitlines()
    table = result.to_frame().reset_index()
    assert head.split(",") == list(table.columns)
    for row, (_, known) in zip(rows, table.iterrows(), strict=True):
        fields = row.split(",")
        assert [fields[0], fields[2], fields[6]] == [known["parameter"], known["unit"], known["status"]]
        assert float(fields[1]) == pytest.approx(known["value"], rel=1e-8)


def test_names_are_quoted_where_csv_needs_it():
    sweep = IVSweep(name='a, "b"', voltage=np.array([0.0]), current=np.array([0.0]))
    item = FittedRecord(record=sweep, predicted=np.zeros(1), sigma=np.ones(1), used=np.array([True]))
    assert residuals_csv([item]).splitlines()[1].startswith('"a, ""b""",0,voltage')
