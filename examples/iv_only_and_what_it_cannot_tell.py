"""A quasi-steady I-V curve alone: which parameters it gives, and which it cannot, said by name.

python examples/iv_only_and_what_it_cannot_tell.py
"""

import memfit as mf
from memfit.synthetic.measurements import loop

truth = mf.Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.8, V_m=0.08, tau_d=0.03, tau_k=0.05, R_s=40.0)
slow = [loop([0.0, 1.1, 0.0], rate, points=120, file=f"iv_{rate:g}.csv") for rate in (1e-3, 2e-3)]
device = mf.simulate_device(truth, slow, mf.Noise(current=0.01), seed=3, name="I-V only")

result = mf.fit(device)
print(result.status.message)
print(result.to_frame()[["value", "unit", "stderr", "status"]].to_string())
for sentence in result.identifiability.sentences:
    print("-", sentence)

assert result.status.code == "not_identifiable"
assert set(result.identifiability.open) == {"C_m", "tau_d", "tau_k"}, "what happens in time"
for name in ("R_b", "i_c0", "V_T", "V_m"):
    estimate = result.parameters[name]
    assert abs(estimate.value - getattr(truth, name)) < 5 * estimate.stderr, name

plan = mf.plan_next(result)
print(plan.sentences[0])
assert "C_m" in plan.forecasts[0].settles, "anything fast tells the capacitance"
