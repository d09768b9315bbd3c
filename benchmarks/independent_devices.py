"""Devices for judging the fit that share nothing with it: random ones, and those that depart from the model.

    python benchmarks/independent_devices.py OUT --departures all --devices 2
    python benchmarks/independent_devices.py OUT --good 60

Each device is a folder NAME with `device/` (generic CSV) and `truth.json`: parameters, acceptable ranges
where a departure leaves more than one answer right, whether the device can oscillate under current control
(eigenvalues of its own Jacobian) and between which junction voltages, files that are wrong.

Measured are 9 spectra (50 frequencies from some 200 to 0.03 in units of the fastest and the slowest rate),
3 loops (601 points; 300, 30 and 5 slowest times) and 3 current pulses (801 points; edges between samples).
Noise, where it is 1 %: 1 % of |Z| on both parts; on the current of loops sqrt((1 % I)^2 + (2e-5 max I)^2);
on the voltage of pulses 0.3 % of its span.
"""

import argparse
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from independent_model import Memristor

PLAIN = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")
OFFSETS = (-8, -4, -2.5, -1.2, 0, 1.2, 2.5, 4, 6)
"""Of the biases from V_T, in V_m."""
SLOWNESS = (300, 30, 5)
LEVELS = (-2, 0, 2.5)
"""Steady states of the pulses, in V_m from V_T."""
KINDS = {  # spectra, loops, pulses that are measured
    "full": (OFFSETS, SLOWNESS, LEVELS),
    "reduced": ((-4, -2, 0, 2, 5), (300,), (0,)),
    "spectra": (OFFSETS, (), ()),
    "time": ((), SLOWNESS, LEVELS),
}


@dataclass
class Record:
    """One file: what is applied to which device, and then what was read."""

    file: str
    kind: str
    device: Memristor
    u: float = 0.0
    """Of a spectrum: the junction voltage, V its bias."""
    V: float = 0.0
    x: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Frequency or time."""
    knots: list = field(default_factory=list)
    before: float | None = None
    """Of a spectrum: junction voltage from which it still relaxes."""
    lag: float = 0.0
    """Part of that step left when the spectrum begins; it decays in a third of the time of the spectrum."""
    y: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Z, I or V as read, without noise at first."""
    sigma: np.ndarray = field(default_factory=lambda: np.zeros(0))
    stated: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """The drive that the file states."""

    def drive(self):
        """The drive at the samples, the value after a jump at one."""
        times, values = np.array(self.knots).T
        return np.interp(self.x, times, values)

    def measure(self):
        """The exact values."""
        if self.kind == "eis":
            self.y = self.device.impedance(self.x, self._voltages())
        else:
            self.y = self.device.course("voltage" if self.kind == "iv" else "current", self.knots, self.x)

    def _voltages(self):
        if self.before is None:
            return self.u
        elapsed = np.cumsum(3 / self.x)
        return self.u + (self.before - self.u) * self.lag * np.exp(-3 * elapsed / elapsed[-1])

    def add_noise(self, rng, noise):
        """In place; sigma is kept."""
        if self.kind == "eis":
            self.sigma = noise * np.abs(self.y)
            self.y = self.y + self.sigma * (rng.normal(size=len(self.x)) + 1j * rng.normal(size=len(self.x)))
            return
        if self.kind == "iv":
            self.sigma = noise * np.hypot(self.y, 2e-3 * np.max(np.abs(self.y)))
        else:
            self.sigma = np.full(len(self.y), 0.3 * noise * np.ptp(self.y))
        self.y = self.y + self.sigma * rng.normal(size=len(self.y))

    def text(self):
        """The file."""
        if self.kind == "eis":
            head = [
                "# technique: impedance",
                f"# bias: {self.V:.4f} V",
                "Frequency (Hz),Z_real (ohm),Z_imag (ohm)",
            ]
            table = (self.x, self.y.real, self.y.imag)
        elif self.kind == "iv":
            rate = (self.knots[1][1] - self.knots[0][1]) / (self.knots[1][0] - self.knots[0][0])
            head = [
                "# technique: iv",
                f"# scan_rate: {abs(rate):.6g} V/s",
                "Time (s),Voltage (V),Current (A)",
            ]
            table = (self.x, self.stated, self.y)
        else:
            head = ["# technique: transient", "# control: current", "Time (s),Current (A),Voltage (V)"]
            table = (self.x, self.stated, self.y)
        rows = [",".join(f"{value:.9g}" for value in row) for row in np.column_stack(table)]
        return "\n".join([*head, *rows]) + "\n"


def slowest(p):
    """The slowest of the three times."""
    return max(p.R_b * p.C_m, p.tau_d, p.tau_k)


def draw(rng):
    """A plain device."""
    R_b, V_m = 10 ** rng.uniform(3.7, 6), rng.uniform(0.045, 0.15)
    A = np.exp(rng.uniform(np.log(4), np.log(140)))
    tau_d = 10 ** rng.uniform(-3, 0)
    tau_k = tau_d * np.exp(rng.uniform(np.log(0.07), np.log(30)))
    tau_m = tau_d * np.exp(rng.uniform(np.log(0.01), np.log(3)))
    V_T, R_s = rng.uniform(0.5, 1.2), R_b * 10 ** rng.uniform(-4.6, -2.75)
    return Memristor(
        R_b=R_b, C_m=tau_m / R_b, i_c0=4 * A * V_m / R_b, V_T=V_T, V_m=V_m, tau_d=tau_d, tau_k=tau_k, R_s=R_s
    )


def session(p, rng, kinds, both_signs=False):
    """The records to measure on p."""
    offsets, slowness, levels = kinds
    fastest, slow = min(p.R_b * p.C_m, p.tau_d, p.tau_k), slowest(p)
    frequency = np.geomspace(rng.uniform(70, 300) / fastest, 0.03 / slow, 50) / (2 * np.pi)
    frequency = np.array([float(f"{f:.9g}") for f in frequency])
    records = []
    for offset in offsets:
        u = p.V_T + offset * p.V_m
        V = round(u + p.R_s * p.steady_current(u), 4)
        records.append(Record(f"eis_{V:.3f}V.csv", "eis", p, u=p.junction(V), V=V, x=frequency))
    top = p.V_T + 5 * p.V_m
    top += p.R_s * p.steady_current(top)
    corners = [0, top, -0.5 * top, 0] if both_signs else [0, top, 0]
    for i, slowness_ in enumerate(slowness):
        share = np.abs(np.diff(corners)).cumsum() / np.abs(np.diff(corners)).sum()
        knots = list(zip(slowness_ * slow * np.array([0, *share]), corners, strict=True))
        time = np.linspace(0, knots[-1][0], 601)
        records.append(Record(f"iv_{i + 1}.csv", "iv", p, x=time, knots=knots))
    for i, level in enumerate(levels):
        top = p.steady_current(p.V_T + level * p.V_m)
        on, off, end = 0.2 * slow, 7 * slow, 12 * slow
        knots = [(0, 0), (on, 0), (on, top), (off, top), (off, 0), (end, 0)]
        records.append(Record(f"pulse_{i + 1}.csv", "pulse", p, x=np.linspace(0, end, 801), knots=knots))
    for record in records:
        if record.kind != "eis":
            record.stated = record.drive()
    return records


def make(departure, size, n, noise=0.01, kind="full"):
    """Records with noise, and the truth; `departure` None is a device that is the model."""
    rng = np.random.default_rng([zlib.crc32((departure or kind).encode()), size, n, round(1000 * noise)])
    p = draw(rng)
    truth = {"departure": departure, "size": size, "n": n, "noise": noise, "kind": kind, "wrong_files": []}
    rule = DEPARTURES.get(departure)
    amount = None if rule is None else rule.sizes[size - 1]
    if rule and rule.device:
        p = rule.device(p, amount, rng)
    records = session(p, rng, KINDS[kind], both_signs=departure == "rectification")
    acceptable = rule.acceptable(p, amount) if rule and rule.acceptable else {}
    if rule and rule.session:
        acceptable |= rule.session(records, amount, rng, truth) or {}
    for record in records:
        record.measure()
        record.add_noise(rng, noise)
    if rule and rule.reading:
        rule.reading(records, amount, rng, truth)
    devices = list({id(r.device): r.device for r in records}.values())
    windows = [d.unstable() for d in devices]
    agree = len({w is not None for w in windows}) == 1
    truth |= {
        "amount": amount,
        "parameters": {name: getattr(p, name) for name in PLAIN},
        "departs": {
            k: v for k, v in asdict(p).items() if k not in PLAIN and v != getattr(Memristor, k, None)
        },
        "acceptable": acceptable,
        "oscillates": windows[0] is not None if agree else None,
        "unstable_between": windows[0],
        "sigma": {r.file: [float(np.median(r.sigma)), float(np.max(r.sigma))] for r in records},
    }
    return records, truth


def write(folder, records, truth):
    """One device; a folder that is there is complete."""
    (folder / "device").mkdir(parents=True, exist_ok=True)
    for record in records:
        (folder / "device" / record.file).write_text(record.text(), encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


# What departs


@dataclass(frozen=True)
class Departure:
    """Sizes, and what it does to the device, to the session, to the readings."""

    sizes: tuple
    device: object = None
    session: object = None
    reading: object = None
    acceptable: object = None


def _changed(**rules):
    """Fields of the device as functions of (device, amount)."""
    return lambda p, amount, rng: replace(p, **{name: rule(p, amount) for name, rule in rules.items()})


def _ladder(p, _):
    return 0.03 / (150 * slowest(p)), 3e3 / min(p.R_b * p.C_m, p.tau_d, p.tau_k)


def _dispersed_capacitance(p, _):
    low, high = np.array([0.1 / slowest(p), 100 / min(p.R_b * p.C_m, p.tau_d, p.tau_k)]) / (2e3 * np.pi)
    return {"C_m": [p.C_m * high ** (p.n - 1), p.C_m * low ** (p.n - 1)]}


def _impossible_conductance(p, amount, rng):
    """A conductance channel that cannot oscillate: V_T below some 10 V_m."""
    return replace(p, kappa=1.0, V_T=amount * p.V_m)


def _drift(name, change):
    """A parameter that moves from record to record, between two of them not during one."""

    def session_(records, amount, rng, truth):
        p = records[0].device
        steps = np.linspace(0, rng.choice([-1, 1]) * amount, len(records))
        for record, step in zip(records, steps, strict=True):
            record.device = replace(p, **{name: change(p, step)})
            if record.kind == "eis":
                record.u = record.device.junction(record.V)
        return {name: sorted([getattr(p, name), getattr(records[-1].device, name)])}

    return session_


def _gain_of_pulses(records, amount, rng, truth):
    """The source gives more than it says."""
    for r in records:
        if r.kind == "pulse":
            r.knots = [(t, current * amount) for t, current in r.knots]
            truth["wrong_files"].append(r.file)


def _unsettled(records, lag, rng, truth):
    """Each spectrum begins before the device has come to rest from the bias before; the first from 0 V."""
    before = 0.0
    for r in (r for r in records if r.kind == "eis"):
        r.before, r.lag, before = before, lag, r.u


def _two_devices(records, amount, rng, truth):
    """Every second record is of another device."""
    p = records[0].device
    change = {
        name: getattr(p, name) * (1 + amount) ** rng.choice([-1, 1]) for name in PLAIN if name[0] != "V"
    }
    change |= {"V_T": p.V_T + rng.choice([-1, 1]) * min(amount, 1) * p.V_m}
    other = replace(p, **change)
    for r in records[1::2]:
        r.device = other
        if r.kind == "eis":
            r.u = other.junction(r.V)
        truth["wrong_files"].append(r.file)
    return {name: sorted([getattr(p, name), getattr(other, name)]) for name in PLAIN}


def _gain_of_sweeps(records, amount, rng, truth):
    for r in records:
        if r.kind == "iv":
            r.y = r.y * amount
            truth["wrong_files"].append(r.file)


def _mains(records, amount, rng, truth):
    """50 Hz on what was read; a spectrum has it near 50 and 100 Hz."""
    for r in records:
        if r.kind == "eis":
            near = (np.abs(r.x / 50 - 1) < 0.15) | (np.abs(r.x / 100 - 1) < 0.15)
            phase = np.exp(2j * np.pi * rng.random(len(r.x)))
            r.y = r.y + 3 * amount * np.abs(r.y) * phase * near
        else:
            r.y = r.y + amount * np.ptp(r.y) / 2 * np.sin(2 * np.pi * (50 * r.x + rng.random()))


def _outliers(records, amount, rng, truth):
    """Points off by 10 to 100 standard deviations."""
    for r in records:
        hit = rng.random(len(r.y)) < amount
        size = 10 ** rng.uniform(1, 2, len(r.y)) * rng.choice([-1, 1], len(r.y)) * r.sigma * hit
        r.y = r.y + size * (np.exp(2j * np.pi * rng.random(len(r.y))) if r.kind == "eis" else 1)


def _reversed(records, which, rng, truth):
    """Leads changed over: signs of voltage and current turned, of one loop, of all loops, of everything."""
    for r in records:
        if r.file == which or (which == "loops" and r.kind == "iv") or which == "all":
            if r.kind == "eis":
                r.V, r.file = -r.V, r.file.replace("eis_", "eis_-").replace("--", "")
            else:
                r.stated, r.y = -r.stated, -r.y
            truth["wrong_files"].append(r.file)


def _unit(records, kind, rng, truth):
    """One record is 1000 times too large or too small."""
    factor = float(rng.choice([1e3, 1e-3]))
    r = rng.choice([r for r in records if r.kind == kind])
    truth["wrong_files"].append(r.file)
    truth["factor"] = factor
    if kind == "pulse" and rng.random() < 0.5:
        r.stated = r.stated * factor
    else:
        r.y = r.y * factor


DEPARTURES = {
    "geometric_capacitance": Departure(
        (0.02, 0.2, 2.0),
        _changed(C_g=lambda p, s: s * p.C_m),
        acceptable=lambda p, s: {  # the junction's, or what spectra see below 1/(R_s C_g)
            "C_m": [p.C_m, p.C_m + p.C_g],
            "R_s": [p.R_s * (p.C_m / (p.C_m + p.C_g)) ** 2, p.R_s],
        },
    ),
    "ionic_capacitance": Departure(
        (30.0, 3.0, 0.3), _changed(R_1=lambda p, s: s * p.R_b, C_1=lambda p, s: 10 * p.C_m)
    ),
    "constant_phase_element": Departure(
        (0.99, 0.95, 0.85),
        _changed(
            n=lambda p, s: s,
            ladder=_ladder,
            C_m=lambda p, s: p.C_m * (1e-3 / (2 * np.pi * np.sqrt(p.R_b * p.C_m * p.tau_d))) ** (1 - s),
        ),
        acceptable=_dispersed_capacitance,
    ),
    "constant_activation": Departure((0.95, 0.5, 0.0), _changed(p_k=lambda p, s: s)),
    "bell_activation": Departure((0.05, 0.25, 0.5), _changed(p_k=lambda p, s: 1 - s, q_k=lambda p, s: s)),
    "two_times": Departure((0.05, 0.3, 1.5), _changed(rise=lambda p, s: s)),
    "two_thresholds": Departure((0.05, 0.5, 2.0), _changed(shift=lambda p, s: s * p.V_m)),
    "sinh_leak": Departure(
        (0.02, 0.2, 2.0),
        _changed(V_l=lambda p, s: 0.3 * p.V_T, I_l=lambda p, s: s * p.V_T / p.R_b / np.sinh(1 / 0.3)),
    ),
    "conductance_channel": Departure((0.03, 0.3, 1.0), _changed(kappa=lambda p, s: s)),
    "conductance_stable": Departure((4.0, 7.0, 10.0), _impossible_conductance),
    "rectification": Departure((1.1, 2.0, 10.0), _changed(reverse=lambda p, s: s)),
    "drift_of_i_c0": Departure((0.03, 0.2, 1.1), session=_drift("i_c0", lambda p, s: p.i_c0 * np.exp(s))),
    "drift_of_V_T": Departure((0.05, 0.5, 3.0), session=_drift("V_T", lambda p, s: p.V_T + s * p.V_m)),
    "gain_of_sweeps": Departure((1.02, 1.1, 1.5), reading=_gain_of_sweeps),
    "gain_of_pulses": Departure((1.02, 1.1, 1.5), session=_gain_of_pulses),
    "mains": Departure((0.005, 0.03, 0.2), reading=_mains),
    "outliers": Departure((0.005, 0.03, 0.1), reading=_outliers),
    "unsettled_bias": Departure((0.01, 0.05, 0.3), session=_unsettled),
    "reversed_leads": Departure(("iv_1.csv", "loops", "all"), reading=_reversed),
    "two_devices": Departure((0.03, 0.3, 2.0), session=_two_devices),
    "unit_error": Departure(("eis", "iv", "pulse"), reading=_unit),
}
GOOD = [(kind, noise) for kind in KINDS for noise in (0.01, 0.05)]


def prepare(root, job):
    """The folder of one job (departure or None, size, n, noise, kind), made where it is not there."""
    departure, size, n, noise, kind = job
    folder = Path(root) / (f"{departure}_{size}_{n}" if departure else f"{kind}_{100 * noise:g}_{n}")
    if not (folder / "truth.json").exists():
        write(folder, *make(departure, size, n, noise, kind))
    return folder


def wrong_jobs(devices, departures=DEPARTURES, first=0):
    """All departures and sizes; the first device of each before the second."""
    return [
        (d, s, n, 0.01, "full") for n in range(first, first + devices) for d in departures for s in (1, 2, 3)
    ]


def good_jobs(devices, kinds=GOOD):
    """Well-specified devices, of all kinds of data and noises in turn."""
    return [
        (None, 0, i // len(kinds), noise, kind)
        for i in range(devices)
        for kind, noise in [kinds[i % len(kinds)]]
    ]


def main():
    """Write a set of devices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--departures", nargs="*", default=[], choices=["all", *DEPARTURES])
    parser.add_argument("--devices", type=int, default=6, help="of each departure and size")
    parser.add_argument("--good", type=int, default=0, help="devices that are the model")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    names = DEPARTURES if "all" in options.departures else options.departures
    jobs = wrong_jobs(options.devices, names) + good_jobs(options.good)
    with ProcessPoolExecutor(options.workers) as pool:
        for folder in pool.map(partial(prepare, options.out), jobs):
            print(folder.name, flush=True)


if __name__ == "__main__":
    main()
