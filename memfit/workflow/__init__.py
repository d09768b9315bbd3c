"""The whole analysis in a few calls: load, fit, stability, report; and the comparison of devices.

    device = load("sample_data/mapbi3_a")
    result = fit(device)
    stability(result)["current"]["verdict"]
    write_report(result, "out", device)
    compare([result, "other/result.json"]).to_frame()

Everything here is a short composition of what the rooms below do; the command line and other programs stand
on these calls. A module for each thing a user does, which imports what that needs and no more.
"""
