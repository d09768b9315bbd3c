"""What the data cannot tell, by cases whose symmetry is known, and what they can."""

import json
from dataclasses import replace

import numpy as np
import pytest
from devices import FREQUENCY, TRUTH, device, pulses, spectra, sweeps

from memfit.fitting.joint import fit
from memfit.fitting.minimum.effort import SETTINGS as EFFORT
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan
from memfit.fitting.results.result import FitResult
from memfit.fitting.uncertainty.combinations import known_combinations, written
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.fitting.uncertainty.exploration import exchanged, explore
from memfit.fitting.uncertainty.identifiability import percent_of
from memfit.model import (
    NAMES,
    Parameters,
    activation,
    activation_time,
    impedance,
    inverse_resistance_a,
    junction_voltage,
    steady_current,
)
from memfit.protocols import pulse
from memfit.synthetic.measurements import Noise, transient


def _open(result):
    return {name for name, e in result.parameters.items() if e.status == "undetermined"}


def _combination(result, text):
    return next((c for c in result.identifiability.combinations if c.text.startswith(text)), None)


def _holds(combination, value):
    """The value within five standard errors."""
    return abs(np.log(combination.value / value)) < 5 * combination.stderr


def _at_bias(p):
    """The spectrum of a device at the one bias that was measured."""
    u = junction_voltage(p, "voltage", [TRUTH.V_T + 0.3 * TRUTH.V_m])[0]
    return impedance(p, FREQUENCY, u)


@pytest.fixture(scope="module")
def one_bias():
    return fit(device(spectra(biases=(0.3,)))).result


def test_one_bias_knows_what_a_spectrum_shows_and_nothing_else(one_bias):
    u = TRUTH.V_T + 0.3 * TRUTH.V_m
    assert one_bias.status.code == "not_identifiable"
    assert _open(one_bias) == {"i_c0", "V_T", "V_m", "tau_d", "tau_k"} == set(one_bias.identifiability.open)
    assert _holds(_combination(one_bias, "1/R_a"), float(inverse_resistance_a(TRUTH, u)))
    assert _combination(one_bias, "1/R_a").stderr < 0.05
    times = sorted((TRUTH.tau_d, float(activation_time(TRUTH, u))))
    assert one_bias.identifiability.unordered_pair == pytest.approx(times, rel=0.2)
    assert one_bias.identifiability.rank < one_bias.identifiability.size == 7


def test_a_pair_that_differs_is_told_as_unordered():
    apart = TRUTH.replace(tau_k=0.3)
    result = fit(device(spectra(apart, biases=(0.3,), frequency=np.geomspace(3e3, 0.02, 30)), apart)).result
    pair = result.identifiability.unordered_pair
    assert pair == pytest.approx((0.03, float(activation_time(apart, apart.V_T + 0.3 * apart.V_m))), rel=0.1)
    assert any("not which is tau_d" in s for s in result.identifiability.sentences)
    assert {"tau_d", "tau_k"} <= _open(result)


def test_places_of_an_open_fit_describe_the_same_data(one_bias):
    first, *others = [_at_bias(Parameters.from_mapping(p.values)) for p in one_bias.minimum.places]
    assert others
    for other in others:
        assert np.sqrt(np.mean(np.abs(other / first - 1) ** 2)) < 0.02


def test_quasi_steady_loops_know_no_time():
    result = fit(device(sweeps(rates=(0.002, 0.001)))).result
    assert _open(result) == {"C_m", "tau_d", "tau_k"}
    assert result.parameters["i_c0"].value == pytest.approx(TRUTH.i_c0, rel=0.05)


def test_below_threshold_only_the_tail_of_the_channel_is_known():
    loud = TRUTH.replace(i_c0=2e-4)
    low = loud.V_T - 6 * loud.V_m
    planned = [*spectra(loud, biases=(-8.0, -7.0, -6.0)), *sweeps(loud.replace(V_T=low - 3 * loud.V_m))]
    result = fit(device(planned, loud)).result
    assert {"i_c0", "V_T", "tau_k"} <= _open(result)
    assert {"R_b", "C_m", "V_m"}.isdisjoint(_open(result))
    tail = _combination(result, "1/R_a") or _combination(result, "i_c0 exp")
    assert tail.stderr < 0.1
    assert "V_T" in tail.parameters


def test_a_small_pulse_knows_no_channel():
    result = fit(device(pulses(levels=(-9.0,), points=60))).result
    assert {"i_c0", "V_T", "V_m", "tau_d", "tau_k"} <= _open(result)


def test_a_pulse_with_a_sample_on_its_edge_is_not_open():
    """R_s and the time of the jump make up for each other, but neither can be negative."""
    quick, length = TRUTH.replace(C_m=2e-9, R_s=4.0), 6 * TRUTH.tau_k
    drive = pulse(
        "current",
        float(steady_current(quick, quick.V_T + 0.5 * quick.V_m)),
        on=0.05 * length,
        off=0.6 * length,
        end=length,
    )
    measured = device([transient(drive, points=400, file="pulse.csv")], quick, seed=2)
    result = fit(measured).result
    assert result.status.code == "ok"
    assert _open(result) == set()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_known_beside_open_parameters_has_an_interval_that_holds(seed):
    """Two spectra are described by any V_T far above, by the tail alone; where it is near, V_m bends away."""
    p = TRUTH.replace(R_b=74e3, C_m=7e-5, i_c0=1.1e-4, V_T=1.2, V_m=0.1, tau_d=2.2, tau_k=0.4, R_s=770.0)
    planned = spectra(p, biases=(-3.2, 0.3), frequency=np.geomspace(10.0, 0.003, 40))
    far = {"V_T": 3.8, "V_m": 0.16, "i_c0": 700.0, "tau_k": 3e6, "R_b": 72e3, "C_m": 7e-5, "tau_d": 2.2}
    result = fit(device(planned, p, Noise(impedance=0.005), seed=seed), FitPlan(model="3d", start=far)).result
    assert {"i_c0", "V_T"} <= _open(result)
    assert result.fitted_values["V_T"] > 2.0
    for name, e in result.parameters.items():
        if e.status in ("determined", "weak"):
            spread = 0.5 * (e.ci95[1] - e.ci95[0])  # one in twenty may miss, but none by much
            assert e.ci95[0] - spread <= getattr(p, name) <= e.ci95[1] + spread


def test_what_one_noisy_sample_tells_is_doubted():
    """A charging far too fast for the sampling: only noise of the sample behind the jump could tell C_m."""
    fast, length = TRUTH.replace(C_m=1e-12), 6 * TRUTH.tau_k
    drive = pulse(
        "current", float(steady_current(fast, fast.V_T)), on=0.05 * length, off=0.6 * length, end=length
    )
    planned = transient(drive, points=400, file="pulse.csv")
    for seed in range(3):
        result = fit(device([planned], fast, seed=seed)).result
        e = result.parameters["C_m"]
        assert e.status in ("undetermined", "at_bound") or e.ci95[0] <= fast.C_m <= e.ci95[1]


def test_with_everything_fixed_there_is_nothing_to_tell():
    fixed = {name: getattr(TRUTH, name) for name in NAMES[:8]}
    result = fit(device(), FitPlan(model="3d", fix=fixed)).result
    assert result.status.code == "ok"
    assert result.identifiability.sentences == ()
    assert {e.status for e in result.parameters.values()} == {"fixed"}


def test_full_data_leave_nothing_open(joint):
    known = joint.result.identifiability
    assert known.open == {}
    assert known.rank == known.size == 7
    assert known.combinations == ()
    assert known.unordered_pair is None
    assert len(joint.result.minimum.places) == 1
    assert known.directions[-1].stderr < 0.05
    assert all(abs(sum(w**2 for w in d.weights.values()) - 1) < 1e-9 for d in known.directions)


def test_information_at_the_minimum_is_the_inverse_of_the_covariance(joint):
    result, minimum = joint.result, joint.result.minimum
    root = np.array(minimum.places[0].information)
    where = [result.covariance_names.index(n) for n in minimum.names]
    covariance = np.array(result.covariance)[np.ix_(where, where)]
    scale = np.sqrt(np.diag(covariance))
    about_minimum = (covariance - np.linalg.inv(root.T @ root)) / np.outer(scale, scale)
    *others, shift = np.linalg.eigvalsh(about_minimum)  # bounds move the mean from the minimum
    assert 0 <= shift < 0.5
    assert np.all((np.array(others) > -1e-3) & (np.array(others) < 0.08))  # what estimated noise adds


def test_knowledge_survives_json(one_bias, joint):
    for result in (one_bias, joint.result):
        assert FitResult.from_json(result.to_json()) == result


def test_results_without_knowledge_are_read(one_bias):
    old = json.loads(one_bias.to_json())
    for key in ("identifiability", "minimum", "model_choice"):
        del old[key]
    for item in old["inputs"]:
        del item["covers"]
    read = FitResult.from_dict(old)
    assert read.identifiability is read.minimum is read.model_choice is None
    assert read.parameters == one_bias.parameters


def test_a_fixed_parameter_is_not_open():
    result = fit(device(spectra(biases=(0.3,))), FitPlan(model="3d", fix={"V_T": 0.8, "V_m": 0.08})).result
    assert result.parameters["V_T"].status == "fixed"
    assert "V_T" not in result.identifiability.open
    assert _open(result) <= {"tau_d", "tau_k"}
    assert result.parameters["i_c0"].value == pytest.approx(TRUTH.i_c0, rel=0.1)


def _state(planned):
    problem = prepare(device(planned).records)
    unknowns = Unknowns(physical_unknowns(FitPlan(model="3d"), NAMES[:8]), TRUTH, problem.kinds)
    return minimise(problem, unknowns, unknowns.encode(TRUTH.as_dict()), near=False)


def test_exchange_of_the_two_times_is_exact_at_one_bias():
    state = _state(spectra(biases=(0.3,)))
    r = state.problem.residuals(state.unknowns).residuals(exchanged(state))
    assert float(r @ r) == pytest.approx(state.minimum.chi2, rel=1e-6)


def test_several_biases_forbid_the_exchange_and_every_ridge():
    state = _state(spectra())
    found = explore(state, covariance_of(state))
    assert found.swap is None
    assert found.better is None
    assert not any(ridge.far for ridge in found.ridges)


def test_a_lower_place_is_found_on_the_way():
    """Begun from the wrong order of the two times, the search ends in the right one."""
    state = _state(spectra())
    p = state.unknowns.parameters(state.x)
    f = float(activation(p, TRUTH.V_T + 1.5 * TRUTH.V_m))
    wrong = p.replace(tau_d=f * p.tau_k, tau_k=p.tau_d / f)
    start = minimise(state.problem, state.unknowns, state.unknowns.encode(wrong.as_dict()), near=False)
    if start.minimum.chi2 > state.minimum.chi2 + 1:
        found = explore(start, covariance_of(start), [state])
        assert found.better is not None
        assert found.better.minimum.chi2 == pytest.approx(state.minimum.chi2, rel=1e-6)


@pytest.mark.parametrize(
    ("ways", "told"), [([], []), ([(1, -1)], ["R_b C_m"]), ([(1, 1)], ["R_b/C_m"]), ([(1, 0), (0, 1)], [])]
)
def test_a_combination_is_told_where_its_parts_are_lost(ways, told):
    """Known everywhere but along some ways of (R_b, C_m): never a product and its quotient together."""
    state = _state(spectra())
    names = list(state.unknowns.names)
    p = state.unknowns.parameters(state.x)
    spread = np.column_stack([1e-3 * np.eye(len(names)), np.zeros((len(names), len(ways)))])
    for column, way in enumerate(ways):
        spread[[names.index("R_b"), names.index("C_m")], len(names) + column] = way

    def error_of(quantity):
        return float(np.linalg.norm(quantity.gradient(p, names) @ spread))

    found = known_combinations(p, state.telling_bias(), ("R_b", "C_m"), error_of, 0.25)
    assert [c.text for c in found if set(c.parameters) == {"R_b", "C_m"}] == told


@pytest.mark.parametrize(
    ("powers", "text"),
    [
        ({"tau_d": 1, "tau_k": 1}, "tau_d tau_k"),
        ({"i_c0": 1, "V_m": -1}, "i_c0/V_m"),
        ({"R_b": 2, "C_m": -1, "tau_d": -1}, "R_b^2/(C_m tau_d)"),
    ],
)
def test_combinations_as_text(powers, text):
    assert written(powers) == text


def test_errors_as_text():
    assert percent_of(0.0312) == "3.1 %"
    assert percent_of(0.2) == "20 %"


def test_what_was_not_followed_to_the_end_counts_as_open(monkeypatch):
    monkeypatch.setattr("memfit.fitting.joint.EFFORT", replace(EFFORT, explored=5.0))
    result = fit(device(spectra(biases=(0.3,)))).result
    assert result.status.code == "not_identifiable"
    assert {"R_b", "i_c0", "V_T", "V_m", "tau_d", "tau_k"} & _open(result) >= {"i_c0", "V_T", "V_m"}
    [told] = [warning for warning in result.warnings if "no further" in warning]
    assert "count as not determined" in told
