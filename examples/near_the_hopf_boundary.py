"""How near is a device to spiking, and what makes it spike: verdict, recipe, limit cycle, checked in time.

python examples/near_the_hopf_boundary.py
"""

import numpy as np

import memfit as mf

quiet = mf.Parameters(
    R_b=310e3, C_m=90e-9, i_c0=5.5e-6, V_T=0.68, V_m=55e-3, tau_d=45e-3, tau_k=70e-3, R_s=30.0
)
block = mf.stability(quiet)["current"]
print(block["message"])
assert block["verdict"] == "near"
assert not block["hopf_points"]

# The recipe: one factor on R_b alone reaches the boundary, no external capacitance does.
factor = block["changes_to_hopf"]["R_b"]
print(f"R_b times {factor:.4f} is on the boundary; C_external: {block['values_to_hopf']['C_external']}")
on_it = mf.stability(quiet.replace(R_b=factor * quiet.R_b))["current"]
assert abs(on_it["gain_margin_min"] - 1.0) < 1e-9
assert block["values_to_hopf"]["C_external"] is None

# Cook it: with 15 % more than that the device oscillates, between two Hopf points.
spiking = quiet.replace(R_b=1.15 * factor * quiet.R_b)
source = mf.Circuit(control="current")
low, high = mf.find_hopf_points(spiking, source)
print(
    f"unstable from {low.V:.4f} V ({low.frequency_Hz:.2f} Hz) to {high.V:.4f} V ({high.frequency_Hz:.2f} Hz)"
)
diagram = mf.bifurcation_diagram(spiking, source)
current = 0.5 * (low.I + high.I)
(cycle,) = mf.cycles_at(spiking, diagram, current)
print(f"at {current:.3g} A: period {cycle.period:.4f} s, u from {cycle.u[0]:.3f} to {cycle.u[1]:.3f} V")
assert cycle.stable

# The same by integration in time: switched on, the device settles on that cycle.
time = np.linspace(0.0, 60.0, 60_001)
course = mf.simulate(spiking, mf.pulse("current", current, on=0.0, off=60.0, end=60.0), time)
late = course.u[(time > 40.0) & (time < 59.9)]
rises = np.flatnonzero((late[:-1] < np.mean(cycle.u)) & (late[1:] >= np.mean(cycle.u)))
period = np.mean(np.diff(rises)) * (time[1] - time[0])
print(f"in time: period {period:.4f} s, u from {late.min():.3f} to {late.max():.3f} V")
assert abs(period / cycle.period - 1.0) < 1e-3
assert abs(late.min() - cycle.u[0]) < 1e-3
assert abs(late.max() - cycle.u[1]) < 1e-3

# The circuit decides: a resistor across the device, smaller than the one of the recipe, stops it.
shunt = mf.stability(spiking)["current"]["values_to_hopf"]["R_shunt"]
loaded = mf.Circuit(control="voltage", load=0.9 * shunt)  # the same circuit, as Norton and Thevenin know
print(f"a resistor of {shunt:.3g} ohm across it is on the boundary")
assert mf.stability(spiking, {"shunted": loaded})["shunted"]["gain_margin_min"] > 1.0

# And the map says where else it would: over R_b and tau_d.
regions = mf.map_over_parameters(
    quiet,
    source,
    ("R_b", quiet.R_b * np.geomspace(0.5, 2.0, 9)),
    ("tau_d", quiet.tau_d * np.geomspace(0.2, 5, 9)),
)
print(f"{np.mean(regions.region == 2):.0%} of the neighbourhood in R_b and tau_d oscillates")
assert regions.region[4, 0] < 2 <= regions.region[4, -1]
