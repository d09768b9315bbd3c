"""What the parts of a device are in time, as numbers: the form that the general compiled step integrates.

    j(u)  = j_0 + G u + sum_e a_e exp(u/w_e)                          currents that answer at once
    C(u)  = C + sum_e c_e exp(u/w_e)                                  capacitance
    f_k   : tau_k f_ss^p (1 - f_ss)^q df/dt = f_ss(sign u) - f        activations
    y_l   : tau_l dy/dt = g_l s_l - y, carrying y (alpha_l + beta_l u) lags behind s_l = u or one of the f_k

    C(u) du/dt + j(u) + sum_l y_l (alpha_l + beta_l u) = I,           V = u + R_s I

Each number comes with its derivatives by the parameters. A part adds its own (`in_time`); the step knows the
form and no part.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from memfit.arrays import FloatArray

AT_VOLTAGE = -1
"""Source of a lag behind the junction voltage; else the number of an activation."""
SINGLE, GROWING, ACTIVATION, LAG = 4, 2, 5, 4
"""How many numbers: single ones (R_s, j_0, G, C), those of an exponential, of an activation, of a lag."""


@dataclass(frozen=True)
class Number:
    """A coefficient and its derivatives by parameters."""

    value: float
    by: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: "Number") -> "Number":
        """The sum."""
        names = {*self.by, *other.by}
        return Number(
            self.value + other.value,
            {name: self.by.get(name, 0.0) + other.by.get(name, 0.0) for name in names},
        )

    def along(self, chain: Mapping[str, float]) -> float:
        """Its derivative by a quantity by which parameters have the derivatives `chain`."""
        return sum(slope * self.by.get(name, 0.0) for name, slope in chain.items())


@dataclass
class Terms:
    """The numbers of one device; its parts add theirs.

    Parameters
    ----------
    band : (float, float), rad/s
        Frequencies between which an element without finite states is to be followed.
    """

    band: tuple[float, float]
    series: Number = Number(0.0)
    """R_s, ohm."""
    constant: Number = Number(0.0)
    """j_0, A."""
    conductance: Number = Number(0.0)
    """G, S."""
    capacitance: Number = Number(0.0)
    """C, F."""
    growing_currents: list[tuple[Number, Number]] = field(default_factory=list)
    """a (A) and w (V)."""
    growing_capacitances: list[tuple[Number, Number]] = field(default_factory=list)
    """c (F) and w (V)."""
    activations: list[tuple[float, tuple[Number, ...]]] = field(default_factory=list)
    """Sign of u; V_T, V_m, tau_k, p, q."""
    lags: list[tuple[int, tuple[Number, ...]]] = field(default_factory=list)
    """Source; tau, g, alpha, beta."""

    names: dict[str, tuple[str, int]] = field(default_factory=dict)
    """States that have a name: whether an activation or a lag, and which."""

    def add_activation(self, name: str, sign: float, *numbers: Number) -> int:
        """Add an activation (V_T, V_m, tau_k, p, q); its number."""
        self.activations.append((sign, numbers))
        number = len(self.activations) - 1
        self.names[name] = ("activation", number)
        return number

    def add_lag(self, name: str, source: int, *numbers: Number) -> None:
        """Add a lag (tau, g, alpha, beta) behind the voltage or an activation; "" where it has no name."""
        self.lags.append((source, numbers))
        if name:
            self.names[name] = ("lag", len(self.lags) - 1)

    def extend(self, other: "Terms") -> None:
        """Add all terms of another device, R_s apart, beside these."""
        before = len(self.activations)
        self.constant += other.constant
        self.conductance += other.conductance
        self.capacitance += other.capacitance
        self.growing_currents += other.growing_currents
        self.growing_capacitances += other.growing_capacitances
        self.activations += other.activations
        self.lags += [(k if k == AT_VOLTAGE else k + before, numbers) for k, numbers in other.lags]

    def numbers(self) -> Iterator[Number]:
        """All numbers in the order of the kernel."""
        yield from (self.series, self.constant, self.conductance, self.capacitance)
        for pair in (*self.growing_currents, *self.growing_capacitances):
            yield from pair
        for _, own in (*self.activations, *self.lags):
            yield from own

    def changed(self, change: Callable[[Number], Number]) -> "Terms":
        """The same terms with every number changed, in the order of the kernel.

        Parameters
        ----------
        change : callable
            From a number to the one in its place.
        """
        return replace(
            self,
            series=change(self.series),
            constant=change(self.constant),
            conductance=change(self.conductance),
            capacitance=change(self.capacitance),
            growing_currents=[(change(a), change(w)) for a, w in self.growing_currents],
            growing_capacitances=[(change(c), change(w)) for c, w in self.growing_capacitances],
            activations=[(sign, tuple(map(change, own))) for sign, own in self.activations],
            lags=[(source, tuple(map(change, own))) for source, own in self.lags],
            names=dict(self.names),
        )

    def columns(self) -> dict[str, int]:
        """Where each named state is among u, the activations and the lags."""
        offset = {"activation": 1, "lag": 1 + len(self.activations)}
        return {"u": 0, **{name: offset[kind] + k for name, (kind, k) in self.names.items()}}

    def stacked(self, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
        """(k,) all numbers in the order of the kernel, and their (k, n) derivatives by these parameters.

        Parameters
        ----------
        names : tuple of str
            Of parameters.
        """
        numbers = list(self.numbers())
        values = np.array([number.value for number in numbers])
        by, column = np.zeros((len(numbers), len(names))), {name: k for k, name in enumerate(names)}
        for row, number in zip(by, numbers, strict=True):
            for name, slope in number.by.items():
                if name in column:
                    row[column[name]] = slope
        return values, by

    @property
    def shape(self) -> np.ndarray:
        """How many growing currents, growing capacitances, activations and lags there are."""
        groups = (self.growing_currents, self.growing_capacitances, self.activations, self.lags)
        return np.array([len(group) for group in groups], dtype=np.int64)

    @property
    def signs(self) -> FloatArray:
        """(a,) sign of u in each activation."""
        return np.array([sign for sign, _ in self.activations], dtype=np.float64)

    @property
    def sources(self) -> np.ndarray:
        """(l,) source of each lag."""
        return np.array([source for source, _ in self.lags], dtype=np.int64)
