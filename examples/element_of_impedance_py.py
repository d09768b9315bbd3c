"""The chemical inductor in a circuit string of impedance.py, fitted there to one measured spectrum.

python examples/element_of_impedance_py.py
"""

from pathlib import Path

import numpy as np
from impedance.models.circuits import CustomCircuit

import memfit as mf

mf.register_impedance_elements()  # from here on, ChemL and ChemLK are elements of impedance.py

device = mf.load(Path(__file__).parents[1] / "sample_data" / "mapbi3_a")
spectrum = next(r for r in device.records if r.kind == "impedance" and r.bias_voltage == 0.63)
result = mf.fit(device)

# The joint fit says what the circuit should be at this bias; impedance.py starts 30 % off and finds it again.
circuit, values = mf.impedance_circuit(result.values(), bias=0.63)
start = np.array(values) * [1.3, 0.8, 1.2, 0.8, 1.3, 0.7]
fitted = CustomCircuit(circuit, initial_guess=list(start))
fitted.fit(spectrum.frequency, spectrum.impedance, weight_by_modulus=True)
print(fitted)

names = ("R_s", "C_m", "R_b", "R_a", "tau_d", "f tau_k")
for name, joint, alone, error in zip(names, values, fitted.parameters_, fitted.conf_, strict=True):
    print(f"{name:8} joint fit {joint:.4g}   this spectrum alone {alone:.4g} +- {error:.2g}")
    assert abs(alone - joint) < 4 * error, name
