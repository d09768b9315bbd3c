"""The model for users of lmfit: one kind of data at a time, as `lmfit.Model`.

    import memfit as mf
    model = mf.lmfit_models.MemristorImpedance()
    fit = model.fit(Z, model.parameters(R_b=1e5, ...), frequency=frequency, bias=0.8)

Parameters are in SI units and, unlike in the joint fit, not in the logarithm; positive ones have min = 0.
"""

from typing import Any

import lmfit
import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model import PARAMETERS, Parameters, junction_voltage, smallsignal, steady_response, transient
from memfit.protocols import Control, Drive


class _MemristorModel(lmfit.Model):  # type: ignore[misc]
    """What the three models share: parameters with bounds."""

    def parameters(self, **values: float) -> Any:
        """Lmfit Parameters with these values (SI) and the bounds of the physics; those without stay fixed.

        Parameters
        ----------
        **values : float
            All that the model needs and, if they are to vary, R_s and L_s.
        """
        made = self.make_params(**values)
        for name, parameter in made.items():
            if PARAMETERS[name].domain != "any":
                parameter.min = 0.0
            parameter.vary = name in values
        return made


class MemristorImpedance(_MemristorModel):
    """Z(frequency) (ohm) at a bias: terminal voltage (V), or current (A) under current control.

    Parameters
    ----------
    control : {"voltage", "current"}
        What the bias is.
    """

    def __init__(self, control: Control = "voltage", **kwargs: Any) -> None:
        def impedance(
            frequency: ArrayLike,
            bias: ArrayLike,
            R_b: float,
            C_m: float,
            i_c0: float,
            V_T: float,
            V_m: float,
            tau_d: float,
            tau_k: float,
            R_s: float = 0.0,
            L_s: float = 0.0,
        ) -> ComplexArray:
            p = Parameters(
                R_b=R_b, C_m=C_m, i_c0=i_c0, V_T=V_T, V_m=V_m, tau_d=tau_d, tau_k=tau_k, R_s=R_s, L_s=L_s
            )
            u = junction_voltage(p, control, np.broadcast_to(np.asarray(bias, float), np.shape(frequency)))
            return smallsignal.impedance(p, frequency, u)

        super().__init__(impedance, independent_vars=["frequency", "bias"], **kwargs)


class MemristorSteadyCurrent(_MemristorModel):
    """Quasi-steady I(voltage) (A), R_s included."""

    def __init__(self, **kwargs: Any) -> None:
        def steady_current(
            voltage: ArrayLike, R_b: float, i_c0: float, V_T: float, V_m: float, R_s: float = 0.0
        ) -> FloatArray:
            p = Parameters(R_b=R_b, C_m=1.0, i_c0=i_c0, V_T=V_T, V_m=V_m, tau_d=0.0, R_s=R_s)
            return steady_response(p, "voltage", voltage)[0]

        super().__init__(steady_current, independent_vars=["voltage"], **kwargs)


class MemristorTransient(_MemristorModel):
    """Response(time) to a drive: current (A) under voltage control, voltage (V) under current control."""

    def __init__(self, drive: Drive, **kwargs: Any) -> None:
        def response(
            time: ArrayLike,
            R_b: float,
            C_m: float,
            i_c0: float,
            V_T: float,
            V_m: float,
            tau_d: float,
            tau_k: float,
            R_s: float = 0.0,
        ) -> FloatArray:
            p = Parameters(R_b=R_b, C_m=C_m, i_c0=i_c0, V_T=V_T, V_m=V_m, tau_d=tau_d, tau_k=tau_k, R_s=R_s)
            course = transient.simulate(p, drive, time)
            return course.current if drive.control == "voltage" else course.voltage

        super().__init__(response, independent_vars=["time"], **kwargs)


__all__ = ["MemristorImpedance", "MemristorSteadyCurrent", "MemristorTransient"]
