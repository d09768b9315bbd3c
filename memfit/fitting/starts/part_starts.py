"""First values with a part, and without one: from what the rest of the device is.

They are no guess from the data: a part begins as large as the rest, so that the data feel it, and not larger.
A part that is taken out leaves what it is near 0 V, or at the threshold, to the element that stands there.
"""

from collections.abc import Mapping

from memfit.model import EXTENSIONS, PARAMETERS

SCALES: Mapping[str, tuple[str | None, float]] = {
    "R_1": ("R_b", 1.0),
    "C_1": ("C_m", 10.0),
    "n": (None, 0.97),
    "C_0": ("C_m", 0.1),
    "V_c": ("V_m", 5.0),
    "I_l": ("i_c0", 0.01),
    "V_l": ("V_m", 6.0),
    "I_ph": ("i_c0", 1e-3),
    "i_c0n": ("i_c0", 0.5),
    "V_Tn": ("V_T", 1.0),
    "V_mn": ("V_m", 1.0),
    "kappa": (None, 0.3),
    "p_k": (None, 0.8),
    "q_k": (None, 0.2),
    "d_i": (None, 0.0),
}
"""Of each parameter: on which other it is measured, and how many times that (or by itself)."""


def with_parts(values: Mapping[str, float], names: tuple[str, ...]) -> dict[str, float]:
    """First values, those of parts included.

    Parameters
    ----------
    values : mapping of str to float
        SI; those of the plainest model, and what is known better of parts.
    names : tuple of str
        Parameters that are wanted; those that are no part's are left to others.
    """
    result = dict(values)
    for name in names:
        scale, factor = SCALES.get(name, (None, None))
        if name not in result and factor is not None and (scale is None or scale in result):
            result[name] = factor * (result[scale] if scale is not None else 1.0)
    return result


def without_part(values: Mapping[str, float], part: str) -> dict[str, float]:
    """First values of a device that is to do without one of its parts.

    Parameters
    ----------
    values : mapping of str to float
        SI; those of the device with the part.
    part : str
    """
    result = dict(values)
    if part == "capacitance":  # C(0)
        result["C_m"] += values["C_0"]
    elif part == "leak":  # dI/du at 0 V
        result["R_b"] = 1.0 / (1.0 / values["R_b"] + values["I_l"] / values["V_l"])
    elif part == "activation_time":  # tau_f at V_T
        result["tau_k"] *= 2.0 * 0.5 ** (values["p_k"] + values["q_k"])
    return {**result, **{name: PARAMETERS[name].null or 0.0 for name in EXTENSIONS[part]}}
