"""A fitted device as a circuit element: a subcircuit for ngspice, and a module in Verilog-A.

Both are written from what the parts of a device are in time (`memfit.model.terms`), so that every member of
the family goes through the same lines:

    C(u) du/dt + j(u) + sum_l y_l (alpha_l + beta_l u) = I,    V = u + R_s I
    tau_f(u) df/dt = f_ss(u) - f,    tau_l dy/dt = g_l s_l - y

Activations and lags are voltages (1 V is 1) on capacitors of 1 F. L_s is that of the wiring and stays
outside; dispersion is a ladder between two frequencies. The operating point is the steady state of the first
value of the source.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.errors import InputError
from memfit.model.parameters import Parameters
from memfit.model.parts import terms_in_time
from memfit.model.terms import AT_VOLTAGE, Terms


@dataclass(frozen=True)
class Settings:
    """Numbers of the netlists."""

    slowest: float = 1e-2
    """Hz, of the ladder that stands for dispersion,"""
    fastest: float = 1e6
    """Hz, and its other end."""
    clip: float = 40.0
    """Of (u - V_T)/V_m: beyond, exponentials would stop a simulator."""
    quickest: float = 1e-9
    """Least relaxation time of an activation, s, relative to tau_k."""


SETTINGS = Settings()
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class _Syntax:
    """How a simulator writes what the equations need."""

    voltage: Callable[[str], str]
    """Voltage of an inner node."""
    clipped: Callable[[str], str]
    """An expression kept within +- `clip`."""
    junction: str
    """Voltage across the junction."""


def spice_subcircuit(p: Parameters, name: str = "memristor") -> str:
    """A subcircuit for ngspice with two terminals, plus and minus.

    Parameters
    ----------
    p : Parameters
        Of any member.
    name : str
        Of the subcircuit: letters, digits and underscores.

    Raises
    ------
    InputError
        The name is none that a simulator takes.
    """
    terms = _terms(p, name)
    clip = f"{SETTINGS.clip:g}"
    syntax = _Syntax(
        voltage=lambda node: f"v({node})",
        clipped=lambda x: f"max(min({x},{clip}),-{clip})",
        junction="v(j,minus)",
    )
    lines = _head("*", p, name)
    lines += [f".subckt {name} plus minus"]
    series = terms.series.value
    lines.append(f"Rs plus j {_n(series)}" if series > 0.0 else "Vs plus j 0")
    charge = _charge(terms, syntax)
    lines.append(
        f"Cm j minus {_n(terms.capacitance.value)}"
        if not terms.growing_capacitances
        else f"Cm j minus q='{charge}'"
    )
    lines.append(f"Bj j minus i={_current(terms, syntax)}")
    for node, rate in _states(terms, syntax):
        lines += [f"C{node} {node} 0 1", f"B{node} 0 {node} i={rate}"]
    return "\n".join([*lines, f".ends {name}"]) + "\n"


def verilog_a(p: Parameters, name: str = "memristor") -> str:
    """A module in Verilog-A with two terminals, plus and minus.

    Parameters
    ----------
    p : Parameters
        Of any member.
    name : str
        Of the module.

    Raises
    ------
    InputError
        The name is none that a simulator takes.
    """
    terms = _terms(p, name)
    clip = f"{SETTINGS.clip:.1f}"
    syntax = _Syntax(
        voltage=lambda node: f"V({node})",
        clipped=lambda x: f"max(min({x}, {clip}), -{clip})",
        junction="V(j, minus)",
    )
    states = list(_states(terms, syntax))
    nodes = ", ".join(["j", *(node for node, _ in states)])
    series = terms.series.value
    lines = [
        *_head("//", p, name),
        '`include "disciplines.vams"',
        "",
        f"module {name}(plus, minus);",
        "  inout plus, minus;",
        f"  electrical plus, minus, {nodes};",
        "  analog begin",
        f"    V(plus, j) <+ {_n(series)} * I(plus, j);" if series > 0.0 else "    V(plus, j) <+ 0.0;",
        f"    I(j, minus) <+ ddt({_charge(terms, syntax)}) + {_current(terms, syntax)};",
    ]
    for node, rate in states:
        lines.append(f"    I({node}) <+ ddt(V({node})) - ({rate});")
    return "\n".join([*lines, "  end", "endmodule"]) + "\n"


def _terms(p: Parameters, name: str) -> Terms:
    """What the device is in time, for a name that simulators take."""
    if not _NAME.match(name):
        raise InputError(f"Expected a name of letters, digits and underscores, found {name!r}.")
    band = 2.0 * np.pi * SETTINGS.slowest, 2.0 * np.pi * SETTINGS.fastest
    return terms_in_time(p, band)


def _head(comment: str, p: Parameters, name: str) -> list[str]:
    """What the file is, with the parameters in SI units."""
    values = ", ".join(
        f"{key}={value:.9g}" for key, value in p.as_dict().items() if np.isfinite(value) and value
    )
    about = [
        f"{name}: memristor fitted by memfit; model of J. Phys. Chem. Lett. 2022, 13, 3789",
        f"parameters (SI): {values}",
    ]
    return [f"{comment} {line}" for line in about]


def _n(value: float) -> str:
    """A number, with all its digits."""
    return f"{value:.12g}"


def _sum(parts: Sequence[str]) -> str:
    return "+".join(parts) if parts else "0"


def _charge(terms: Terms, syntax: _Syntax) -> str:
    """Charge of the junction, C."""
    u = syntax.junction
    parts = [f"{_n(terms.capacitance.value)}*{u}"]
    parts += [f"{_n(c.value * w.value)}*exp({u}/{_n(w.value)})" for c, w in terms.growing_capacitances]
    return "(" + _sum(parts) + ")"


def _current(terms: Terms, syntax: _Syntax) -> str:
    """Current through the junction beside that of its capacitance, A."""
    u = syntax.junction
    parts = [_n(terms.constant.value), f"{_n(terms.conductance.value)}*{u}"]
    for a, w in terms.growing_currents:
        parts.append(f"({_n(a.value)})*exp({syntax.clipped(f'{u}/({_n(w.value)})')})")
    for k, (source, (tau, g, alpha, beta)) in enumerate(terms.lags):
        follows = (
            f"{_n(g.value)}*{syntax.voltage(f'y{k}') if tau.value > 0.0 else _source(terms, source, syntax)}"
        )
        parts.append(f"{follows}*({_n(alpha.value)}+({_n(beta.value)})*{u})")
    return "(" + "+".join(f"({part})" for part in parts) + ")"


def _open(terms: Terms, k: int, syntax: _Syntax) -> tuple[str, str]:
    """Share of an activation that is open at rest, and of what is closed."""
    sign, (V_T, V_m, *_) = terms.activations[k]
    x = syntax.clipped(f"({'-' if sign < 0 else ''}{syntax.junction}-({_n(V_T.value)}))/({_n(V_m.value)})")
    return f"(1/(1+exp(-({x}))))", f"(1/(1+exp({x})))"


def _source(terms: Terms, source: int, syntax: _Syntax) -> str:
    """What a lag follows."""
    if source == AT_VOLTAGE:
        return syntax.junction
    _, (_, _, tau_k, _, _) = terms.activations[source]
    return syntax.voltage(f"f{source}") if tau_k.value > 0.0 else _open(terms, source, syntax)[0]


def _states(terms: Terms, syntax: _Syntax) -> list[tuple[str, str]]:
    """Inner nodes and their rates, 1/s."""
    states = []
    for k, (_, (_, _, tau_k, p, q)) in enumerate(terms.activations):
        if tau_k.value == 0.0:
            continue
        rest, closed = _open(terms, k, syntax)
        shape = "*".join(
            f"pow({share},{_n(power.value)})" if power.value != 1.0 else share
            for share, power in ((rest, p), (closed, q))
            if power.value != 0.0
        )
        least = _n(SETTINGS.quickest * tau_k.value)
        tau = f"({_n(tau_k.value)}*{shape}+{least})" if shape else _n(tau_k.value)
        states.append((f"f{k}", f"({rest}-{syntax.voltage(f'f{k}')})/{tau}"))
    for k, (source, (tau_l, _, _, _)) in enumerate(terms.lags):
        if tau_l.value == 0.0:
            continue
        follows = _source(terms, source, syntax)
        states.append((f"y{k}", f"({follows}-{syntax.voltage(f'y{k}')})/{_n(tau_l.value)}"))
    return states
