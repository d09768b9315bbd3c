"""Residual terms of one's own in the joint fit: what else is known of a device, beside its records.

A measured spiking frequency, a capacitance from another instrument, a threshold from a paper: anything that
follows from the parameters. A `Part` says how far the model is from it, in standard deviations; its squares
are added to those of all records, in the search, in the covariance and in every interval.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import InputError, MemfitError
from memfit.model import COLUMN, NAMES, PARAMETERS, Parameters

_STEP = 1e-5
"""Of central differences: relative, of V_T in units of V_m."""
_LOST = 1e3
"""Standard deviations that a term counts where it gives no number: far, but finite."""
_NOT_STORED = (
    "{what} need the own parts {names} of this fit, which are programs and not in the result; fit again with "
    "own=[...] instead."
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """An own residual term.

    Parameters
    ----------
    name : str
        As messages and the result call it.
    residuals : callable
        Takes `Parameters` (SI), gives one number or (k,) numbers: (model - known)/standard deviation. Always
        as many.
    slopes : callable, optional
        Takes the same, gives the derivatives of the residuals by parameters, SI: {"C_m": 1e9, ...}, of (k,)
        residuals an array each; what is left out is 0. By default central differences.

    Raises
    ------
    InputError
        The name is empty, or what should be a function is none.
    """

    name: str
    residuals: Callable[[Parameters], float | Sequence[float] | FloatArray]
    slopes: Callable[[Parameters], Mapping[str, float | Sequence[float] | FloatArray]] | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        if not self.name.strip():
            raise InputError("Expected a name for the own part, found none.")
        for what in ("residuals", "slopes"):
            value = getattr(self, what)
            if not callable(value) and not (what == "slopes" and value is None):
                raise InputError(f"{self.name}: expected a function for {what}, found {value!r}.")

    def at(self, p: Parameters) -> FloatArray:
        """(k,) residuals; far away where there is no number.

        Parameters
        ----------
        p : Parameters

        Raises
        ------
        InputError
            The function fails, or gives no numbers.
        """
        try:
            found = np.atleast_1d(np.asarray(self.residuals(p), dtype=np.float64))
        except MemfitError:
            raise
        except Exception as problem:  # whatever the user's function does
            raise InputError(
                f"The own part {self.name!r} cannot be evaluated ({type(problem).__name__}: {problem})."
            ) from problem
        if found.ndim != 1:
            raise InputError(
                f"The own part {self.name!r}: expected one number or a row of them, found {found.shape}."
            )
        return np.where(np.isfinite(found), found, _LOST)

    def by(self, p: Parameters) -> FloatArray:
        """(k, `NAMES`) derivatives by the parameters, SI.

        Parameters
        ----------
        p : Parameters

        Raises
        ------
        InputError
            As for `at`; or slopes name what is no parameter.
        """
        result = np.zeros((self.at(p).size, len(NAMES)))
        if self.slopes is not None:
            for name, value in self.slopes(p).items():
                if name not in COLUMN:
                    raise InputError(f"The own part {self.name!r}: {name!r} in slopes is no parameter.")
                result[:, COLUMN[name]] = value
            return np.where(np.isfinite(result), result, 0.0)
        for name, column in COLUMN.items():
            row, value = PARAMETERS[name], getattr(p, name)
            if value == row.null:  # its part is not there
                continue
            step = _STEP * (p.V_m if row.scale == "in V_m" else abs(value))
            low, high = (self.at(p.replace(**{name: end})) for end in (value - step, value + step))
            result[:, column] = (high - low) / (2.0 * step)
        return result


def rows_of_parts(parts: Sequence[Part], p: Parameters) -> tuple[FloatArray, FloatArray]:
    """Residuals (k,) of own parts, and their derivatives (k, `NAMES`), SI.

    Parameters
    ----------
    parts : sequence of Part
    p : Parameters
    """
    return np.concatenate([part.at(p) for part in parts]), np.concatenate([part.by(p) for part in parts])


def refuse_own(plan: Mapping[str, object], what: str) -> None:
    """Refuse what would need the programs of a fit with own parts.

    Parameters
    ----------
    plan : mapping
        Of a result.
    what : str
        "Profiles", as the head of a sentence.

    Raises
    ------
    InputError
        The fit had own parts.
    """
    names = plan.get("own") or ()
    if isinstance(names, Sequence) and names:
        raise InputError(_NOT_STORED.format(what=what, names=", ".join(map(str, names))))
