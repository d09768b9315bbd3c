"""A result in the forms of other packages: tables of pandas, parameters of lmfit, correlated numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from memfit.above import PICTURE, PREDICTION, Shown, from_above
from memfit.arrays import FloatArray
from memfit.datasets import Device, Record
from memfit.model import PARAMETERS
from memfit.protocols import Drive, SmallSignal

if TYPE_CHECKING:
    import pandas as pd

    from memfit.fitting.results.forecast import Forecast


class Handed(Shown):
    """What a result hands to other packages."""

    parameters: Mapping[str, Any]
    derived: Mapping[str, Any]
    nuisance: Mapping[str, Any]
    covariance_names: tuple[str, ...]
    covariance: tuple[tuple[float, ...], ...]
    logarithmic: tuple[str, ...]

    def plot(self, device: Device | None = None) -> Any:
        """Draw what was found in a new figure of pyplot: impedance and current beside the model, gain margin.

        Parameters
        ----------
        device : Device, optional
            The data of the fit; by default they are looked for where they were read from.

        Returns
        -------
        array of Axes
        """
        return from_above(PICTURE, self, device)

    def predict(self, protocol: Drive | SmallSignal | Record, time: ArrayLike | None = None) -> "Forecast":
        """What the device does under a protocol, measured or not, with its band: as `memfit.predict`.

        Parameters
        ----------
        protocol : Drive, SmallSignal or record
        time : (n,) array, s, optional
            Of a drive.
        """
        forecast: Forecast = from_above(PREDICTION, self, protocol, time)
        return forecast

    @property
    def correlation(self) -> FloatArray:
        """(n, n) correlation of the fitted quantities, in the order of `covariance_names`."""
        covariance = np.array(self.covariance)
        if covariance.size == 0:
            return np.zeros((0, 0))
        scale = np.sqrt(np.diag(covariance))
        known = scale > 0  # what no data see has no correlation with anything
        divisor = np.where(known, scale, 1.0)
        result: FloatArray = covariance / divisor[:, None] / divisor
        np.fill_diagonal(result, 1.0)
        return result

    def to_frame(self) -> "pd.DataFrame":
        """Parameters as a table: one row each, columns value, unit, stderr, ci95_low, ci95_high, status."""
        import pandas as pd  # noqa: PLC0415 - half a second that a report need not wait

        rows = []
        for name, estimate in {**self.parameters, **self.derived}.items():
            low, high = estimate.ci95 or (None, None)
            rows.append((name, estimate.value, estimate.unit, estimate.stderr, low, high, estimate.status))
        return pd.DataFrame(
            rows, columns=["parameter", "value", "unit", "stderr", "ci95_low", "ci95_high", "status"]
        ).set_index("parameter")

    def correlation_frame(self) -> "pd.DataFrame":
        """Correlation of the fitted quantities, its rows and columns labelled by their names.

        Of the logarithm for those that are fitted as logarithms, which to first order is the same.
        """
        return _labelled(self.correlation, self.covariance_names)

    def covariance_frame(self, *, logarithmic: bool = False) -> "pd.DataFrame":
        """Covariance of the fitted quantities, its rows and columns labelled by their names.

        Parameters
        ----------
        logarithmic : bool
            As it is stored: of the natural logarithm for the quantities in `logarithmic`. By default in SI
            units, to first order: what is undetermined is NaN there.
        """
        covariance = np.array(self.covariance).reshape(len(self.covariance_names), -1)
        if logarithmic:
            return _labelled(covariance, self.covariance_names)
        scale = self._scales()
        return _labelled(covariance * scale[:, None] * scale, self.covariance_names)

    def to_uncertainties(self) -> dict[str, Any]:
        """The fitted quantities as correlated numbers of the package uncertainties, SI, by name.

        `values["R_b"] * values["C_m"]` then has the error that follows from both and their correlation, to
        first order. What is undetermined is left out.
        """
        import uncertainties  # noqa: PLC0415 - most programs do not ask

        estimates = {**self.parameters, **self.nuisance}
        known = [k for k, name in enumerate(self.covariance_names) if estimates[name].value is not None]
        if not known:
            return {}
        covariance = self.covariance_frame().to_numpy()[np.ix_(known, known)]
        names = [self.covariance_names[k] for k in known]
        values = [estimates[name].value for name in names]
        return dict(zip(names, uncertainties.correlated_values(values, covariance), strict=True))

    def _scales(self) -> FloatArray:
        """(n,) what a unit of each stored coordinate is in SI: its value for a logarithm, else 1."""
        estimates = {**self.parameters, **self.nuisance}
        values = (estimates[name].value for name in self.covariance_names)
        return np.array(
            [
                (np.nan if value is None else value) if name in self.logarithmic else 1.0
                for name, value in zip(self.covariance_names, values, strict=True)
            ]
        )

    def to_lmfit(self) -> Any:
        """The physical parameters as lmfit Parameters (SI), for those who go on by themselves.

        What was fixed does not vary; what is undetermined has its first value and no standard error.
        `memfit.fit(device, parameters=...)` takes them back.
        """
        import lmfit  # noqa: PLC0415 - half a second that nothing else here needs

        parameters = lmfit.Parameters()
        for name, e in self.parameters.items():
            value = e.start if e.value is None else e.value
            if value is not None:
                least = -np.inf if PARAMETERS[name].domain == "any" else 0.0
                parameters.add(name, value=value, vary=e.status != "fixed", min=least)
                parameters[name].stderr = e.stderr
        return parameters


def _labelled(matrix: FloatArray, names: tuple[str, ...]) -> "pd.DataFrame":
    """A square matrix with the names of its rows and columns."""
    import pandas as pd  # noqa: PLC0415 - half a second that a report need not wait

    return pd.DataFrame(matrix, index=pd.Index(names), columns=pd.Index(names))
