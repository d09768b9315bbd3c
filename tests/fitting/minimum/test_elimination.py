"""Terms of many records, eliminated record by record: the same sums of squares as all rows at once."""

import numpy as np
import pytest
from devices import TRUTH, device, pulses, spectra, sweeps

from memfit.fitting.instrument_terms import offset_terms
from memfit.fitting.minimum.elimination import MANY, parts_of, reduced_by_records
from memfit.fitting.minimum.unknowns import initial_unknowns, physical_unknowns, term_unknown
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, Term, free_parameters
from memfit.fitting.search import physical_start

START = TRUTH.as_dict()


def test_rows_of_records_have_the_sums_of_squares_of_all_rows():
    generator = np.random.default_rng(1)
    owner = np.repeat([0, 1, 2, 3, 4, 5], [9, 2, 7, 30, 8, 9])
    records = [
        None,
        1,
        0,
        2,
        None,
        2,
        1,
        1,
        4,
        5,
    ]  # record 1 has more terms than points; 0, 4 and 5 are alike
    terms = [None if record is None else Term("delay", record) for record in records]
    rows = generator.standard_normal((owner.size, len(records) + 1))
    for j, record in enumerate(records):
        if record is not None:
            rows[owner != record, j] = 0.0
    kept = np.flatnonzero(generator.random(owner.size) < 0.9)
    more = np.zeros((1, len(records) + 1))
    more[0, [0, -1]] = 3.0, 1.0
    parts = parts_of(terms, ["iv"] * 6, owner, kept)
    points = np.concatenate([part.points.ravel() for part in parts])
    assert sorted(points[points >= 0]) == list(kept)

    def rows_of(part):
        """Of every record its own columns; 0 beyond its last point."""
        columns = np.column_stack([part.columns, np.full(len(part.columns), -1)])
        found = rows[part.points[:, :, None], columns[:, None, :]]
        return np.where(part.points[:, :, None] >= 0, found, 0.0)

    reduced = reduced_by_records(parts, rows_of, more)
    everything = np.concatenate([rows[kept], more])
    assert reduced.shape == (len(records) + 1, len(records) + 1)
    assert reduced.T @ reduced == pytest.approx(everything.T @ everything, abs=1e-12)


@pytest.mark.parametrize("robust", [False, True])
def test_a_fit_of_many_terms_sees_the_same_residuals(robust, monkeypatch):
    many = device(
        [*spectra(), *sweeps(rates=np.geomspace(0.05, 1, 9)), *pulses(levels=np.linspace(-1, 2, 6))]
    )
    problem = prepare(many.records, robust=robust)
    unknowns = physical_start(FitPlan(), free_parameters("3d"), START, problem.kinds)
    assert len(physical_unknowns(FitPlan(), free_parameters("3d"))) == len(unknowns.free)
    states = [u for k, r in enumerate(many.records) if r.kind == "iv" for u in initial_unknowns(k, "voltage")]
    edges = [
        term_unknown(Term("delay", k), 1e-3) for k, r in enumerate(many.records) if r.kind == "transient"
    ]
    unknowns = unknowns.plus([*offset_terms(problem), *states, *edges])
    x = unknowns.encode(START)
    assert x.size > MANY
    residuals = problem.residuals(unknowns)
    found = np.column_stack([residuals.jacobian(x), residuals.residuals(x)])
    monkeypatch.setattr("memfit.fitting.minimum.problem.MANY", 10**6)
    other = problem.residuals(unknowns)
    expected = np.column_stack([other.jacobian(x), other.residuals(x)])
    scale = np.linalg.norm(expected, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    assert (found / scale).T @ (found / scale) == pytest.approx(
        (expected / scale).T @ (expected / scale), abs=1e-10
    )
