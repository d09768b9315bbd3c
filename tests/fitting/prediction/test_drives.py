"""Questions about the drive of a record."""

import numpy as np
import pytest
from devices import exact, pulses, spectra, sweeps

from memfit.datasets import IVSweep
from memfit.errors import InputError
from memfit.fitting.prediction.drives import (
    as_staircase,
    begins_anywhere,
    drive_of,
    drive_of_timed,
    free_start,
    is_ramp,
    is_staircase,
    sample_before,
)


def test_a_spectrum_and_a_quasi_steady_sweep_have_no_drive():
    (spectrum,) = exact(spectra(biases=(0.5,))).records
    quasi_steady = IVSweep(name="s", voltage=[0.0, 1.0], current=[0.0, 1.0])
    for record in (spectrum, quasi_steady):
        assert drive_of(record) is None
        assert not free_start(record)
        assert begins_anywhere(record) is record
        with pytest.raises(InputError, match="without a drive"):
            drive_of_timed(record)


def test_a_ramp_can_be_taken_in_steps():
    (ramp, *_) = exact(sweeps()).records
    stepped = as_staircase(ramp)
    assert is_ramp(ramp)
    assert is_staircase(stepped)
    np.testing.assert_array_equal(stepped.response, ramp.response)


def test_a_jump_on_a_sample_has_a_sample_before_it():
    (pulse, *_) = exact(pulses()).records
    jump = float(drive_of_timed(pulse).jumps[0])
    gap = sample_before(pulse, jump)
    on_it = np.any(pulse.time == jump)
    assert (gap > 0.0) == (on_it and jump > pulse.time[0])
    assert sample_before(pulse, jump + 1e-9) == 0.0
    assert free_start(begins_anywhere(pulse))
