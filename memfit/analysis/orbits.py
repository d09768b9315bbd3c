"""Courses of a device under constant currents, from any state, in the coordinates in which orbits are sought.

A member of the family is its terms (`memfit.model.terms`): its states are u, i_c, f, then the activations and
lags of its other parts, a ladder's rungs among them. The coordinate of u is x = (u - V_T)/V_m; of an
activation, or of a lag behind one as a share of its largest value, the logit ln(f/(1 - f)); of a lag behind
the voltage, (y - V_T)/V_m. The source is that of the steady state at x. The circuit enters through the
effective device, whose terminals are the junction.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import expit, logit

from memfit.arrays import BoolArray, FloatArray
from memfit.model import Parameters, steady_current
from memfit.model.family_run import Records, run
from memfit.model.parts import terms_in_time
from memfit.model.terms import AT_VOLTAGE, Number, Terms
from memfit.model.transient import DriveSet
from memfit.protocols import Drive


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the courses."""

    tolerance: float = 1e-11
    """Of the integrator."""
    difference: float = 1e-4
    """Of each coordinate, for derivatives."""
    soft: float = 1e-3
    """Added to both shares of a logit where there are two polarities: one of them is shut, and what the
    integrator leaves of it is no number to follow."""


SETTINGS = Settings()


@dataclass(frozen=True)
class Orbits:
    """Ends of orbits after one period each, from several starts of one device under current control."""

    p: Parameters
    """The effective device; tau_d and tau_k greater than 0."""
    capacitance: float = 0.0
    """F, across the junction beside that of the device."""
    band: tuple[float, float] = (1.0, 1.0)
    """Frequencies, rad/s, between which dispersion is followed."""

    @cached_property
    def terms(self) -> Terms:
        """The device in time."""
        terms = terms_in_time(self.p, self.band)
        terms.capacitance += Number(self.capacitance)
        return terms

    @cached_property
    def size(self) -> int:
        """How many states there are."""
        return 1 + len(self.terms.activations) + len(self.terms.lags)

    @cached_property
    def _order(self) -> np.ndarray:
        """Where the states are among u, all activations and all lags."""
        many, size = len(self.terms.activations), self.size
        result: np.ndarray = np.r_[0, 1 + many, 1, 2 : 1 + many, 2 + many : size]
        return result

    @cached_property
    def _sources(self) -> np.ndarray:
        """Among u, all activations and all lags, what each lag follows."""
        return np.array([0 if k == AT_VOLTAGE else 1 + k for k, _ in self.terms.lags])

    @cached_property
    def _activations(self) -> FloatArray:
        """(a, 6) sign, V_T, V_m, tau_k, p, q."""
        return np.array([[sign, *(n.value for n in own)] for sign, own in self.terms.activations])

    @cached_property
    def _lags(self) -> FloatArray:
        """(l, 4) tau, g, alpha, beta."""
        return np.array([[n.value for n in own] for _, own in self.terms.lags])

    @cached_property
    def _shares(self) -> tuple[BoolArray, FloatArray]:
        """(n,) whether each state is a share of a largest value, and that value."""
        behind = np.r_[False, np.ones(len(self._activations), dtype=bool), self._sources > 0]
        largest = np.r_[1.0, np.ones(len(self._activations)), self._lags[:, 1]]
        return behind[self._order], largest[self._order]

    @cached_property
    def _soft(self) -> float:
        return SETTINGS.soft if len(self._activations) > 1 else 0.0

    def steady(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Voltage u* (V) and source current (A) of unknowns (..., n + 1) or coordinates."""
        u = self.p.V_T + self.p.V_m * z[..., 0]
        return u, steady_current(self.p, u)

    def at_rest(self, x: float) -> FloatArray:
        """(n,) coordinates of the steady state at x."""
        u = self.p.V_T + self.p.V_m * x
        shares = (self._activations[:, 0] * u - self._activations[:, 1]) / self._activations[:, 2]
        shares = self._logit(expit(shares)) if self._soft else shares
        result: FloatArray = np.r_[x, shares, np.r_[x, shares][self._sources]][self._order]
        return result

    def direction(self, x: float, omega: float) -> FloatArray:
        """(n,) of the coordinates about the steady state at x, turning with omega (rad/s), where u falls."""
        u = self.p.V_T + self.p.V_m * x
        sign, V_T, V_m, tau_k, power, rest = self._activations.T
        z = (sign * u - V_T) / V_m
        f = expit(z)
        tau = tau_k * np.exp(-power * np.logaddexp(0.0, -z) - rest * np.logaddexp(0.0, z))
        e = self._soft
        slopes = sign * self.p.V_m / V_m * (f * expit(-z) * (1.0 + 2.0 * e) / ((f + e) * (1.0 - f + e)))
        sources = np.r_[1.0, slopes / (1.0 + 1j * omega * tau)]
        lags = sources[self._sources] / (1.0 + 1j * omega * self._lags[:, 0])
        result: FloatArray = -np.r_[sources, lags][self._order].imag
        return result

    def loop_direction(self, x: float, omega: float) -> FloatArray:
        """(n,) of that direction what the channel current has that takes most part, all others 0."""
        behind = np.r_[np.zeros(1 + len(self._activations), dtype=bool), self._sources > 0][self._order]
        direction = np.where(behind, self.direction(x, omega), 0.0)
        return np.where(np.abs(direction) == np.abs(direction).max(), direction, 0.0)

    def state(self, z: FloatArray) -> FloatArray:
        """(..., n) states of unknowns (..., n + 1) or coordinates (..., n)."""
        coordinates, (behind, largest) = z[..., : self.size], self._shares
        shares = expit(coordinates) * (1.0 + 2.0 * self._soft) - self._soft
        result: FloatArray = np.where(behind, largest * shares, self.p.V_T + self.p.V_m * coordinates)
        return result

    def coordinates(self, states: FloatArray) -> FloatArray:
        """(..., n) of states (..., n)."""
        behind, largest = self._shares
        shares = np.where(behind, states / largest, 0.5)
        result: FloatArray = np.where(behind, self._logit(shares), (states - self.p.V_T) / self.p.V_m)
        return result

    def _logit(self, shares: FloatArray) -> FloatArray:
        result: FloatArray = logit((shares + self._soft) / (1.0 + 2.0 * self._soft))
        return result

    def rates(self, states: FloatArray, current: FloatArray) -> FloatArray:
        """(..., n) time derivatives of states (..., n)."""
        many, terms = len(self._activations), self.terms
        kernel: FloatArray = np.empty_like(states)
        kernel[..., self._order] = states
        u, f, y = kernel[..., :1], kernel[..., 1 : 1 + many], kernel[..., 1 + many :]
        sign, V_T, V_m, tau_k, power, rest = self._activations.T
        z = (sign * u - V_T) / V_m
        lawful = "activation_time" in self.p.parts
        held = np.clip(z, -_CLIP, _CLIP) if lawful else np.maximum(z, -_LARGEST_EXPONENT)
        log_tau = -power * np.logaddexp(0.0, -held) - rest * np.logaddexp(0.0, held)
        tau, gain, alpha, beta = self._lags.T
        total = np.asarray(current)[..., None] - terms.constant.value - terms.conductance.value * u
        C = np.full_like(u, terms.capacitance.value)
        for amplitude, width in terms.growing_currents:
            total = total - amplitude.value * np.exp(u / width.value)
        for amplitude, width in terms.growing_capacitances:
            C = C + amplitude.value * np.exp(u / width.value)
        total = total - np.sum(y * (alpha + beta * u), axis=-1, keepdims=True)
        f_rate = (expit(z) - f) * np.exp(-log_tau) / tau_k
        y_rate = (gain * kernel[..., self._sources] - y) / tau
        return np.concatenate([total / C, f_rate, y_rate], axis=-1)[..., self._order]

    def run(self, starts: FloatArray, currents: FloatArray, times: list[FloatArray]) -> FloatArray | None:
        """States at the times of each start, laid end to end; None where one does not get there."""
        if self.p.parts or self.capacitance:
            return self._run_terms(starts, currents, times)
        runs = _held(tuple(time.size for time in times)).held_at(currents, times)
        response = runs.respond(self.p, initial=starts, states=True, tolerance=SETTINGS.tolerance)
        return response.states if response.ok and np.all(np.isfinite(response.states)) else None

    def _run_terms(
        self, starts: FloatArray, currents: FloatArray, times: list[FloatArray]
    ) -> FloatArray | None:
        """The same for a member."""
        count = len(times)
        records = Records(
            voltage=np.zeros(count, dtype=np.bool_),
            u=np.ascontiguousarray(starts[:, 0]),
            before=currents,
            edges=np.ravel([(0.0, time[-1]) for time in times]),
            level=currents,
            slope=np.zeros(count),
            piece_offset=np.arange(count + 1),
            free=np.ones(count, dtype=np.bool_),
            initial=np.ascontiguousarray(starts),
            time=np.concatenate(times),
            offsets=np.concatenate([[0], np.cumsum([time.size for time in times])]),
            band=self.band,
        )
        answer = run(self.terms, (), records, sensitivities=False, states=True, tolerance=SETTINGS.tolerance)
        states = answer[2][:, self._order]
        return states if np.all(answer[3] == 0) and np.all(np.isfinite(states)) else None

    def miss(self, z: FloatArray) -> FloatArray | None:
        """(m, n) that orbits of unknowns (m, n + 1) miss to periodicity; None if the integrator fails."""
        starts = self.state(z)
        ends = self.run(starts, self.steady(z)[1], list(np.exp(z[:, -1:])))
        return None if ends is None or not self._inside(ends) else self._missing(ends, starts)

    def residual(
        self, z: FloatArray, difference: float = SETTINGS.difference
    ) -> tuple[FloatArray, FloatArray] | None:
        """What misses to periodicity (n,) and its (n, n + 1) derivatives; None where the integrator fails."""
        n = self.size
        steps = difference * np.eye(n + 1)[:n]
        trials = np.concatenate([z[None, :], z + steps, z - steps])
        starts = self.state(trials)
        periods = [np.array([np.exp(z[-1])])] * len(trials)
        ends = self.run(starts, self.steady(trials)[1], periods)
        if ends is None or not self._inside(ends):
            return None
        misses = self._missing(ends, starts)
        by_start = (misses[1 : n + 1] - misses[n + 1 :]).T / (2.0 * difference)
        rate = self.rates(ends[0], self.steady(z)[1])
        by_period = np.exp(z[-1]) * rate / self._scale(ends[0])  # by ln T
        return misses[0], np.column_stack([by_start, by_period])

    def _inside(self, states: FloatArray) -> bool:
        """Whether all states have coordinates."""
        behind, largest = self._shares
        shares = states[:, behind] / largest[behind]
        return bool(np.all((shares > -self._soft) & (shares < 1.0 + self._soft)))

    def _missing(self, ends: FloatArray, starts: FloatArray) -> FloatArray:
        """(m, n) from starts to ends, in the coordinates."""
        return self.coordinates(ends) - self.coordinates(starts)

    def _scale(self, state: FloatArray) -> FloatArray:
        """(n,) derivative of the states by the coordinates."""
        behind, largest = self._shares
        shares, e = state / largest, self._soft
        slopes = largest * (shares + e) * (1.0 - shares + e) / (1.0 + 2.0 * e)
        result: FloatArray = np.where(behind, slopes, self.p.V_m)
        return result


_LARGEST_EXPONENT, _CLIP = 600.0, 36.0
"""Of (u - V_T)/V_m, where the activation time is the plainest one, and where it has a law."""


@lru_cache(maxsize=8)
def _held(samples: tuple[int, ...]) -> DriveSet:
    """Constant currents, of each so many samples, to be set by `DriveSet.held_at`."""
    drive = Drive("current", np.zeros(1), np.zeros(1), initial="free")
    return DriveSet([drive] * len(samples), [np.arange(1.0, count + 1.0) for count in samples])
