"""The numbers of a device in time are sums of what its parts add, in the order of the compiled step."""

import numpy as np

from memfit.model.parameters import Parameters
from memfit.model.parts import terms_in_time
from memfit.model.terms import ACTIVATION, GROWING, LAG, SINGLE, Number

DEVICE = Parameters(
    R_b=1e5,
    C_m=1e-7,
    i_c0=1e-4,
    V_T=0.7,
    V_m=0.06,
    tau_d=5e-3,
    tau_k=0.2,
    R_1=2e5,
    C_1=1e-6,
    I_l=1e-6,
    V_l=0.3,
)


def test_numbers_add_with_their_derivatives():
    total = Number(2.0, {"R_b": 1.0}) + Number(3.0, {"R_b": 0.5, "R_1": 4.0})
    assert (total.value, total.by) == (5.0, {"R_b": 1.5, "R_1": 4.0})


def test_all_parts_are_stacked_in_the_order_of_the_step():
    terms = terms_in_time(DEVICE, (1.0, 1.0))
    values, by = terms.stacked(("R_b", "R_1", "I_l"))
    assert terms.shape.tolist() == [2, 0, 1, 2]
    assert values.size == SINGLE + 2 * GROWING + ACTIVATION + 2 * LAG == by.shape[0]
    assert values[2] == 1.0 / DEVICE.R_b + 1.0 / DEVICE.R_1
    np.testing.assert_allclose(by[2], [-1.0 / DEVICE.R_b**2, -1.0 / DEVICE.R_1**2, 0.0])
    assert terms.columns() == {"u": 0, "f": 1, "i_c": 2, "v": 3}
    assert terms.sources.tolist() == [0, -1]
