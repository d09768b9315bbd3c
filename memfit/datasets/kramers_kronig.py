"""Can a spectrum be trusted: the linear Kramers-Kronig test, and how noisy each kind of record is.

Linear test (Boukamp, J. Electrochem. Soc. 1995, 142, 1885; Schoenleber et al., Electrochim. Acta 2014,
131, 20): a spectrum is fitted, linearly and weighted by its modulus, with a series of relaxations whose time
constants are fixed, a fixed number for each decade, plus a constant, a term ~ i omega and a term
~ 1/(i omega). Any such sum obeys the Kramers-Kronig relations, so what it cannot follow violates them or is
noise. The weights of the relaxations may have either sign, so that chemical inductors and negative
resistances pass.

The test is made on Z and on Y = 1/Z, and one is enough: a device that is stable under voltage control but
not under current control has a Y that obeys the relations and a Z that need not, and the reverse.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from memfit.arrays import BoolArray, ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.noise_estimate import distance_from_neighbours, relative_distances, typical
from memfit.protocols import Control

BAD_POINT = 0.05
"""Relative residual at which a point is proposed to be left out."""


@dataclass(frozen=True)
class Settings:
    """What steers the test."""

    per_decade: int = 5
    """Relaxations for each decade of frequency: enough for the width of one (1.1), too few for noise."""
    margin: float = 0.5
    """Decades by which the time constants reach beyond the measured frequencies."""
    share: float = 0.4
    """Most unknowns for each measured point (which gives two equations)."""
    min_points: int = 8
    least: float = 1e-30
    """Smallest modulus (ohm), and one over the largest, that is looked at."""
    outliers: int = 10
    """One point in so many may be set aside as an outlier before the others are judged."""
    tolerance: float = 0.01
    """Relative residual that passes whatever the noise; good instruments reach 0.1 to 1 %."""
    systematic: float = 0.005
    """Relative residual that passes if it is systematic: neighbours correlated by more than 0.6."""
    only_one: float = 5.0
    """Residuals of Z and Y that differ by this ratio show that only one of them obeys."""


SETTINGS = Settings()

Status = Literal["consistent", "noisy", "inconsistent", "too few points"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KramersKronig:
    """Outcome of the linear test."""

    status: Status
    """consistent; noisy: residuals are large and random; inconsistent: large and systematic."""
    quantity: Literal["Z", "Y", ""]
    """The quantity that was followed better."""
    elements: int
    """Number of relaxations."""
    residual: ComplexArray
    """(n,) (measured - followed) / modulus, in the order of the spectrum."""
    rms: float
    """Root mean square of the residual (real and imaginary parts), outliers set aside."""
    rms_Z: float
    """The same of the fit to Z."""
    rms_Y: float
    """The same of the fit to Y, the wiring's inductance taken off where that helps."""
    worst: float
    """Largest modulus of a residual."""
    worst_frequency: float
    """Hz, where it is."""
    correlation: float
    """Lag-1 autocorrelation of the residuals in order of frequency: 0 is noise, 1 a system."""
    usable: tuple[float, float] | None
    """Lowest and highest frequency (Hz) of the longest run of points below `BAD_POINT`; None: no such run."""
    suspect: BoolArray
    """(n,) points above `BAD_POINT`, proposed to be left out."""
    sentence: str
    """The verdict in words."""

    @property
    def passed(self) -> bool:
        """True if nothing speaks against the spectrum."""
        return self.status == "consistent"


def kramers_kronig(spectrum: ImpedanceSpectrum, *, per_decade: int = SETTINGS.per_decade) -> KramersKronig:
    """The linear Kramers-Kronig test of a spectrum.

    Y is followed also with the inductance of the wiring taken off (Z'' / omega at the highest frequency): in
    series with a capacitance it makes a resonance of Y that no sum of relaxations follows.

    Parameters
    ----------
    spectrum : ImpedanceSpectrum
    per_decade : int
        Relaxations for each decade of frequency.
    """
    frequency, impedance = spectrum.frequency, spectrum.impedance
    if np.unique(frequency).size < SETTINGS.min_points or not _measurable(impedance):
        needed = f"{SETTINGS.min_points} different frequencies and no absurd Z"
        return KramersKronig(
            status="too few points", quantity="", elements=0, rms=0.0, rms_Z=0.0, rms_Y=0.0, worst=0.0,
            worst_frequency=0.0, correlation=0.0, usable=None,
            residual=np.zeros(frequency.size, dtype=np.complex128),
            suspect=np.zeros(frequency.size, dtype=bool),
            sentence=f"The Kramers-Kronig test needs {needed}.",
        )  # fmt: skip
    top = int(np.argmax(frequency))
    inductance = max(0.0, float(impedance[top].imag / (2 * np.pi * frequency[top])))
    behind_wire: ComplexArray = impedance - 2j * np.pi * frequency * inductance
    candidates: list[tuple[Literal["Z", "Y"], ComplexArray]] = [
        ("Z", impedance), ("Y", np.reciprocal(impedance)),
    ]  # fmt: skip
    if np.any(behind_wire != impedance) and np.all(behind_wire != 0):
        candidates.append(("Y", np.reciprocal(behind_wire)))
    followed = [(name, *_follow(frequency, values, per_decade)) for name, values in candidates]
    quantity, rms, residual, elements = min(followed, key=lambda fit: fit[1])
    rms_Z, rms_Y = (min(fit[1] for fit in followed if fit[0] == name) for name in ("Z", "Y"))
    order = np.argsort(frequency, kind="stable")
    modulus = np.abs(residual)
    worst = int(np.argmax(modulus))
    # correlation of neighbours in frequency, real and imaginary parts together
    power = float(np.sum(np.abs(residual[order]) ** 2))
    lagged = float(np.sum((residual[order][1:] * residual[order][:-1].conj()).real))
    correlation = lagged / power if power else 0.0
    suspect = modulus > BAD_POINT
    status: Status = "inconsistent" if correlation > 3 / np.sqrt(modulus.size) else "noisy"
    systematic = rms > SETTINGS.systematic and correlation > 0.6
    if systematic and rms > 3 * estimate_noise(spectrum).level:
        status = "inconsistent"
    elif rms <= SETTINGS.tolerance and float(modulus.max()) <= BAD_POINT:
        status = "consistent"
    usable = _usable(frequency[order], suspect[order])
    worst_point = float(modulus[worst]), float(frequency[worst])
    return KramersKronig(
        status=status,
        quantity=quantity,
        elements=elements,
        residual=residual,
        rms=rms,
        rms_Z=rms_Z,
        rms_Y=rms_Y,
        worst=worst_point[0],
        worst_frequency=worst_point[1],
        correlation=correlation,
        usable=usable,
        suspect=suspect,
        sentence=_sentence(status, quantity, rms, worst_point, usable)
        + _by_control(status, spectrum.control, rms_Z, rms_Y),
    )


def _follow(frequency: FloatArray, values: ComplexArray, per_decade: int) -> tuple[float, ComplexArray, int]:
    """Weighted linear fit of the relaxations: rms, relative residuals, number of relaxations."""
    omega = 2 * np.pi * frequency
    low, high = np.log10(omega.min()) - SETTINGS.margin, np.log10(omega.max()) + SETTINGS.margin
    wanted = int(np.ceil(per_decade * (high - low))) + 1
    elements = max(2, min(wanted, int(SETTINGS.share * 2 * frequency.size) - 3))
    tau = np.logspace(-high, -low, elements)
    s = 1j * omega[:, None]
    scale = np.sqrt(omega.min() * omega.max())
    columns = np.column_stack([1 / (1 + s * tau), np.ones_like(omega), s[:, 0] / scale, scale / s[:, 0]])
    weight = 1 / np.abs(values)
    weighted = np.asarray(columns * weight[:, None], dtype=np.complex128)
    target: ComplexArray = values * weight
    kept = np.ones(frequency.size, dtype=bool)
    residual = _residual(weighted, target, kept)
    for _ in range(frequency.size // SETTINGS.outliers):
        modulus = np.abs(residual)
        worst = int(np.argmax(np.where(kept, modulus, 0.0)))
        if modulus[worst] <= max(BAD_POINT, 6 * float(np.median(modulus))):
            break
        kept[worst] = False
        residual = _residual(weighted, target, kept)
    return float(np.sqrt(np.mean(np.abs(residual[kept]) ** 2) / 2)), residual, elements


def _residual(weighted: ComplexArray, target: ComplexArray, kept: BoolArray) -> ComplexArray:
    """Residuals of all points from the fit of the kept ones."""
    matrix = np.vstack([weighted[kept].real, weighted[kept].imag])
    size = np.linalg.norm(matrix, axis=0)
    wanted = np.concatenate([target[kept].real, target[kept].imag])
    solution = np.linalg.lstsq(matrix / size, wanted, rcond=1e-10)[0]
    residual: ComplexArray = target - weighted @ (solution / size)
    return residual


def _usable(frequency: FloatArray, suspect: BoolArray) -> tuple[float, float] | None:
    """The longest run, in decades, of points that are not suspect; a single bad point does not end it."""
    ends = suspect & (np.concatenate([suspect[1:], [True]]) | np.concatenate([[True], suspect[:-1]]))
    edges = np.flatnonzero(np.diff(np.concatenate([[True], ends, [True]]).astype(np.int8)))
    runs = [
        (frequency[a], frequency[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 3
    ]
    if not runs:
        return None
    low, high = max(runs, key=lambda run: run[1] / run[0])
    return float(low), float(high)


def _sentence(
    status: Status, quantity: str, rms: float, worst: tuple[float, float], usable: tuple[float, float] | None
) -> str:
    """The verdict in words."""
    size = f"residuals of {quantity}: {100 * rms:.2g} % rms, {100 * worst[0]:.2g} % at {worst[1]:.4g} Hz"
    if status == "consistent":
        return f"The spectrum obeys the Kramers-Kronig relations ({size})."
    band = f"; usable from {usable[0]:.4g} to {usable[1]:.4g} Hz" if usable else "; no usable band"
    if status == "noisy":
        return f"The spectrum is noisy or has outliers ({size}){band}."
    cause = "as that of a drifting or nonlinear device does"
    return f"The spectrum violates the Kramers-Kronig relations, {cause} ({size}){band}."


def _by_control(status: Status, control: Control, rms_Z: float, rms_Y: float) -> str:
    """A word where only one of Z and Y obeys: which one must depends on what the instrument held.

    A device measured under voltage control is stable there, which makes Y causal; Z is so only where the
    device is stable under current control too, and the reverse.
    """
    if status != "consistent" or max(rms_Z, rms_Y) < max(
        SETTINGS.only_one * min(rms_Z, rms_Y), SETTINGS.tolerance
    ):
        return ""
    obeys, other = ("Y", "Z") if rms_Y < rms_Z else ("Z", "Y")
    other_control = "current" if control == "voltage" else "voltage"
    if obeys == ("Y" if control == "voltage" else "Z"):
        return (
            f" Only {obeys} obeys them ({other}: {100 * max(rms_Z, rms_Y):.2g} % rms), as it must under "
            f"{control} control; under {other_control} control the device may be unstable at this bias."
        )
    return (
        f" Only {obeys} obeys them, and under {control} control {other} should "
        f"({100 * max(rms_Z, rms_Y):.2g} % rms): check which of the two was held."
    )


def _measurable(impedance: ComplexArray) -> bool:
    """Whether every modulus is one that numbers can be made of; beyond it the file is damaged."""
    modulus = np.abs(impedance)
    return bool(np.all((modulus > SETTINGS.least) & (modulus < 1.0 / SETTINGS.least)))


@dataclass(frozen=True)
class Roughness:
    """Noise of a record's response, as it shows without a model."""

    level: float
    """Standard deviation: relative to |Z| for a spectrum, else in the unit of the response."""
    unit: str
    """"relative", "A" or "V"."""


def estimate_noise(record: Record) -> Roughness:
    """Noise of a record by how much its points stray from their neighbours.

    Jumps and pulses do not count. For a spectrum relative to |Z|; for a sweep or a transient in A or V.

    Parameters
    ----------
    record : Record
    """
    if isinstance(record, ImpedanceSpectrum):
        if record.points < 5 or not _measurable(record.impedance):
            return Roughness(0.0, "relative")
        return Roughness(typical(relative_distances(record.frequency, record.impedance)), "relative")
    return Roughness(typical(distance_from_neighbours(record.response, reach=1)), record.response_unit)
