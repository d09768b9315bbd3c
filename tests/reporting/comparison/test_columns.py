"""How the numbers of a comparison are written, and that what lists parameters reads it from the table."""

import numpy as np
import pytest
from comparing import wafer

from memfit.analysis.comparison import Quantity, compare_results
from memfit.reporting.comparison.columns import (
    POOLED,
    SCALED,
    TEXT,
    correlation_fields,
    file_row,
    interval_text,
    outlying_fields,
    p_text,
    pooled_rows,
    sentence,
    shown_unit,
    slope_texts,
    spread_text,
    strongest,
    trend_fields,
    value_text,
)


@pytest.fixture(scope="module")
def quantities():
    return {one.name: one for one in compare_results(wafer(2, 1)).sample.quantities}


def test_p_values_and_spreads(quantities):
    assert p_text(1e-9) == "< 0.0001"
    assert p_text(0.0312) == "0.031"
    assert p_text(None) == p_text(float("nan")) == "–"
    assert spread_text(quantities["R_b"], np.log(2.0)) == "×/÷ 2.00"
    assert spread_text(quantities["R_b"], 0.05) == "± 5.0 %"
    assert spread_text(quantities["V_T"], 0.012) == "± 12 mV"
    assert spread_text(quantities["V_T"], 0.0) == "none"


def test_values_and_intervals_of_unit_area():
    of = Quantity(name="C_m", unit="F/m²", logarithmic=True)
    assert shown_unit(of.unit) == ("µF/cm²", pytest.approx(100.0))
    assert value_text(of, 0.0123, 0.01) == "1.230(12) µF/cm²"
    assert interval_text(of, (np.log(0.01), np.log(0.011))) == "1.000 to 1.100 µF/cm²"
    assert interval_text(of, (np.log(0.01), np.log(0.1))) == "1.00 µF/cm² to 10.0 µF/cm²"


def test_sentences_name_the_parameters_of_the_table():
    assert SCALED == ("R_b", "C_m", "i_c0")
    assert sentence("unit_area").startswith("R_b, C_m and i_c0 are those of unit area")
    assert "exponent −1 of R_b and +1 of C_m and i_c0" in sentence("area", "captions")
    assert "V_T and R_s change linearly" in sentence("temperature", "captions")


def test_slopes_have_the_unit_of_their_law(comparison):
    by = {(trend.covariate, trend.quantity): trend for trend in comparison.trends}
    assert slope_texts(comparison, by["temperature", "tau_d"])[0].endswith(" eV")
    assert slope_texts(comparison, by["temperature", "V_T"])[0].endswith("V/K")
    assert slope_texts(comparison, by["area", "V_T"])[0].endswith("V/cm²")
    assert slope_texts(comparison, by["thickness", "V_m"])[0].endswith("%/nm")
    means, dash = slope_texts(comparison, by["batch", "R_b"])
    assert means.startswith("A: ")
    assert dash == "–"


def test_a_row_of_a_file_is_the_numbers_in_full(comparison):
    (row, *_) = pooled_rows(comparison.sample, comparison.pooled, " per area")
    said = file_row(POOLED, row)
    assert said["quantity"] == f"{row.of.name} per area"
    assert said["mean"] == pytest.approx(np.exp(said["mean_in_scale"]))
    assert said["mean_ci95_low"] < said["mean"] < said["mean_ci95_high"]
    assert said["spread_ci95_low"] <= said["spread_in_scale"] <= said["spread_ci95_high"]


def test_every_column_has_a_title_and_files_have_each_column_once(comparison):
    for fields in (
        POOLED,
        trend_fields(comparison),
        correlation_fields(comparison),
        outlying_fields(comparison),
    ):
        assert all(one.key in TEXT["columns"] for one in fields)
        titles = [title for one in fields for title in one.data]
        assert len(titles) == len(set(titles))


def test_the_strongest_correlations_come_first(comparison):
    p_values = [one.p_value for one in strongest(comparison)]
    assert p_values == sorted(p_values)
