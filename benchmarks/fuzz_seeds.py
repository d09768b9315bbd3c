"""Files to mutate for the readers that have no real file, and what device.toml says of those that need it.

Written here as the instruments write them: NOVA text, EasyEXPERT, Keithley 4200 text and .xls, oscilloscopes
of several makers as text and binary, network and impedance analysers, potentiostats, containers of arrays,
reads of pulses, parquet (where pyarrow is there), tidy and generic tables.
"""

import importlib.util
import io

import numpy as np
import pandas as pd
from scipy.io import savemat

from memfit.errors import MemfitError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source, read_tables
from memfit.loaders.tidy import format_record

TIME = np.arange(60) * 1e-3
SWEEP = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 0, 30)])
CURRENT = 1e-6 * SWEEP + 1e-7 * SWEEP**3
PULSE = np.where((TIME > 0.01) & (TIME < 0.03), 1.0, 0.0)
FREQUENCY = np.geomspace(1e5, 1, 30)
Z = 10 + 1e4 / (1 + 1j * FREQUENCY / 100)


def rows(*columns, separator=",", start=""):
    return "".join(
        start + separator.join(f"{x:.8g}" for x in row) + "\n" for row in np.array(columns).T.tolist()
    )


def texts():
    """Name and text of each file."""
    nova = (np.arange(30), FREQUENCY, Z.real, -Z.imag, abs(Z), -np.degrees(np.angle(Z)))
    yield "nova.txt", "Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°)\n" + rows(*nova, separator=";")
    signals = (SWEEP, TIME, CURRENT, SWEEP, np.ones(60))
    yield (
        "nova_cv.txt",
        (
            "Potential applied (V)\tTime (s)\tWE(1).Current (A)\tWE(1).Potential (V)\tScan\n"
            + rows(*signals, separator="\t")
        ),
    )
    yield (
        "b1500.csv",
        (
            "SetupTitle, I/V Sweep\nPrimitiveTest, I/V Sweep\nTestParameter, Channel.UnitType, SMU, SMU\n"
            "Dimension1, 60, 60\nDataName, V1, I1, Time\n"
            + rows(SWEEP, CURRENT, TIME, separator=", ", start="DataValue, ")
        ),
    )
    yield (
        "kickstart.csv",
        (
            "Instrument,Model 2450\nIndex,SMU-1 Time (s),SMU-1 Voltage (V),SMU-1 Current (A)\n"
            + rows(np.arange(60), TIME, SWEEP, CURRENT)
        ),
    )
    yield (
        "readings.csv",
        "Index,Reading,Unit,Value,Unit,Date,Time,Fractional Seconds\n"
        + "".join(
            f"{k},{i:.6e},Amp DC,{v:.6e},Volt DC,02/07/2021,17:08:26,{0.01 * k:.6f}\n"
            for k, (v, i) in enumerate(zip(SWEEP, CURRENT, strict=True))
        ),
    )
    yield (
        "family.csv",
        "Time(1),AI(1),AV(1),Time(2),AI(2),AV(2)\n" + rows(TIME, CURRENT, SWEEP, TIME, CURRENT, SWEEP),
    )
    yield (
        "labone.csv",
        "chunk;timestamp;size;fieldname\n"
        + "".join(
            f"{sweep};0;30;{name};" + ";".join(f"{x:.8g}" for x in values) + "\n"
            for sweep in (0, 1)
            for name, values in (("frequency", FREQUENCY), ("realz", Z.real), ("imagz", Z.imag))
        ),
    )
    end = "***End_of_Header***"
    yield (
        "pulse.lvm",
        (
            f"LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\nX_Columns\tOne\n{end}\t\n\t\n"
            "Channels\t2\t\nY_Unit_Label\tVolts\tAmps\t\nX_Dimension\tTime\tTime\t\nX0\t0\t0\t\nDelta_X\t0.001\t0.001\t\n"
            f"{end}\nX_Value\tVoltage\tCurrent\tComment\n" + rows(TIME, PULSE, 1e-6 * PULSE, separator="\t")
        ),
    )
    yield (
        "e4990a.csv",
        (
            "!Agilent Technologies,E4990A,MY0,A.02.12\n!Date: Mon Aug 09 09:53:11 2021\n\nBEGIN CH1_DATA\n"
            "Frequency(Hz), |Z|(Ohm)-data, theta-z(deg)-data\n"
            + rows(FREQUENCY, abs(Z), np.degrees(np.angle(Z)), separator=", ")
            + "END\n"
        ),
    )
    yield (
        "beside.csv",
        (
            "0 V,,,0.5 V,,\n"
            + ",".join(["Frequency (Hz),Z' (ohm),Z'' (ohm)"] * 2)
            + "\n"
            + rows(FREQUENCY, Z.real, Z.imag, FREQUENCY, Z.real / 2, Z.imag / 2)
        ),
    )
    yield "4200.csv", "AV,AI,Time\n" + rows(SWEEP, CURRENT, TIME)
    yield (
        "tek.csv",
        (
            "Model,MSO46\nFirmware Version,1\n\nWaveform Type,A\nHorizontal Units,s\nVertical Units,V,V\n"
            "Sample Interval,1e-3\nRecord Length,60\n\nTIME,CH1,CH2\n" + rows(TIME, PULSE, PULSE / 2)
        ),
    )
    yield "keysight.csv", "x-axis,1,2\nsecond,Volt,Volt\n" + rows(TIME, PULSE, PULSE / 2)
    yield (
        "lecroy.csv",
        (
            "LECROYWR64Xi,1,Waveform\nSegments,1,SegmentSize,60\nSegment,TrigTime,TimeSinceSegment1\n"
            "#1,12-Feb-2020 10:00:00,0\nTime,Ampl\n" + rows(TIME, PULSE)
        ),
    )
    yield (
        "generic_iv.csv",
        (
            "# technique: iv\n# scan_rate: 50 mV/s\n# area: 0.04 cm^2\nVoltage (V),J (mA/cm2)\n"
            + rows(SWEEP, CURRENT)
        ),
    )
    yield (
        "generic_pulse.csv",
        (
            "# technique: transient\n# control: voltage\nTime (ms);Voltage (V);Current (uA)\n"
            + rows(1e3 * TIME, PULSE, PULSE / 2, separator=";")
        ),
    )
    yield from analysers()
    for name, record in tidy_records():
        yield name, format_record(record)


def analysers():
    """Name and text of files of network and impedance analysers, potentiostats, and reads of pulses."""
    yield "one.s1p", "! a remark\n# kHz Z RI R 1\n" + rows(FREQUENCY / 1e3, Z.real, Z.imag, separator=" ")
    traces = "".join(
        f'"TRACE: {trace}"\n"FORMAT: ?"\n\n"Frequency"\t"Data Real"\t"Data Imag"\n'
        f"{rows(FREQUENCY, Z.real, Z.imag, separator=chr(9))}\n\n"
        for trace in "AB"
    )
    yield "4294a.txt", f'"4294A"\n{traces}'
    yield (
        "waveforms.csv",
        (
            "#Digilent WaveForms Impedance Analyzer\n#Device Name: Discovery2\n#Offset: 300 mV\n"
            "Frequency (Hz),Trace Rs (Ohm),Trace Xs (Ohm)\n" + rows(FREQUENCY, Z.real, Z.imag)
        ),
    )
    yield (
        "cv.cor",
        (
            "CORRW ASCII\nCorrTest for Windows: SN CS35  V5.1\nID_CV\nCyclic Voltammetry,Scan Rate(mV/s):10\n"
            "      Surface Area:           0.5\nE(V)\t\ti(A/cm^2)\t\tT(s)\nEnd Comments\n"
            + rows(SWEEP, CURRENT, 1e4 * TIME, separator="\t")
        ),
    )
    packages = "".join(
        f"Pda{round(1e6 * v) + 2**27:07X}u;ba{round(1e12 * i) + 2**27:07X}p\n"
        for v, i in zip(SWEEP, CURRENT, strict=True)
    )
    yield "pico.txt", f"e\nM0005\n{packages}*\n\n"
    y = 1 / Z
    columns = (y.imag / (2 * np.pi * FREQUENCY), y.real, 0 * FREQUENCY + 0.4, FREQUENCY, 0 * FREQUENCY)
    yield "cvu.csv", "Cp_AB,Gp_AB,DCV_AB,F_AB,CVU1S\n" + rows(*columns)
    yield (
        "b1500_beside.csv",
        "V1,I1,,V1,I1\n"
        + "".join(f"{v:.8g},{i:.8g},,{v:.8g},{2 * i:.8g}\n" for v, i in zip(SWEEP, CURRENT, strict=True)),
    )
    yield (
        "reads.csv",
        (
            "# pulse_voltage: 1 V\n# pulse_width: 10 ms\n# read_voltage: 0.1 V\n# delay_between: 20 ms\n"
            "Pulse number,Conductance (uS)\n" + rows(np.arange(1, 41), 40 - 20 * np.exp(-np.arange(40) / 9))
        ),
    )


def tidy_records():
    """Records of each kind."""
    spectrum = "# bias: 0.5 V\nFrequency (Hz),Z_real (ohm),Z_imag (ohm)\n" + rows(FREQUENCY, Z.real, Z.imag)
    sweep = "# scan_rate: 1 V/s\nVoltage (V),Current (A)\n" + rows(SWEEP, CURRENT)
    for name, text in (("tidy_eis.csv", spectrum), ("tidy_iv.csv", sweep)):
        yield name, read_source(Source(name, text.encode()))[0]


def binaries():
    """Name and bytes of each workbook or packed file."""
    frame = pd.DataFrame({"AV": SWEEP, "AI": CURRENT, "Time": TIME})
    if importlib.util.find_spec("xlwt") is not None and importlib.util.find_spec("xlrd") is not None:
        import xlwt  # noqa: PLC0415 - optional

        book = xlwt.Workbook()
        sheet = book.add_sheet("Data")
        for j, name in enumerate(frame.columns):
            sheet.write(0, j, name)
            for i, value in enumerate(frame[name]):
                sheet.write(i + 1, j, float(value))
        packed = io.BytesIO()
        book.save(packed)
        yield "4200.xls", packed.getvalue()
    yield from containers()
    yield "scope.isf", isf(np.where((TIME > 0.01) & (TIME < 0.03), 100, 0))
    if importlib.util.find_spec("pyarrow") is not None:
        packed = io.BytesIO()
        pd.DataFrame({"Voltage (V)": SWEEP, "Current (A)": CURRENT}).to_parquet(packed)
        yield "table.parquet", packed.getvalue()


def containers():
    """Name and bytes of each container of named arrays."""
    named = {"frequency_Hz": FREQUENCY, "Z_real_ohm": Z.real, "Z_imag_ohm": Z.imag}
    table = np.zeros(FREQUENCY.size, dtype=[(name, float) for name in named])
    for name, values in named.items():
        table[name] = values
    for name, save in (
        ("a.npy", lambda file: np.save(file, table)),
        ("a.npz", lambda file: np.savez(file, **named)),
        ("a.mat", lambda file: savemat(file, named)),
        ("b.mat", lambda file: savemat(file, {"eis": named, "note": "cell 7"}, do_compression=True)),
        ("a.h5", _save_hdf5),
        ("a.tdms", _save_tdms),
    ):
        packed = io.BytesIO()
        save(packed)
        if packed.getvalue():
            yield name, packed.getvalue()


def _save_hdf5(file):
    if importlib.util.find_spec("h5py") is None:
        return
    import h5py  # noqa: PLC0415 - optional

    with h5py.File(file, "w") as book:
        for bias in (0.5, 0.6):
            group = book.create_group(f"eis {bias} V")
            for label, unit, values in (("frequency", "Hz", FREQUENCY), ("Z", "ohm", bias * Z)):
                group.create_dataset(label, data=values).attrs["units"] = unit


def _save_tdms(file):
    if importlib.util.find_spec("nptdms") is None:
        return
    import nptdms  # noqa: PLC0415 - optional

    columns = (("Voltage", "V", SWEEP), ("Current", "A", CURRENT))
    with nptdms.TdmsWriter(file) as writer:
        writer.write_segment([
            nptdms.ChannelObject("iv", label, values, properties={"unit_string": unit})
            for label, unit, values in columns
        ])  # fmt: skip


def isf(samples):
    """A recording as Tektronix saves it: a header of settings, then 16-bit samples."""
    data = np.asarray(samples).astype(">i2").tobytes()
    head = (
        f":WFMP:BYT_NR 2;BIT_NR 16;ENCDG BIN;BN_FMT RI;BYT_OR MSB;NR_PT {len(data) // 2};"
        'WFID "Ch1, DC coupling";PT_FMT Y;XINCR 1.0E-3;PT_OFF 0;XZERO 0.0E0;XUNIT "s";YMULT 1.0E-2;'
        'YZERO 0.0E0;YOFF 0.0E0;YUNIT "V";:CURVE #'
    )
    size = str(len(data))
    return f"{head}{len(size)}{size}".encode() + data


def seeds():
    """All files of this page."""
    yield from ((name, text.encode()) for name, text in texts())
    yield from binaries()


def helpful_settings(source):
    """What a user would write into device.toml so that the file becomes records."""
    if source.name == "b1500_beside.csv":
        return FileSettings(
            columns={"voltage": "V1", "current": "I1"}, units={"voltage": "V", "current": "A"}
        )
    try:
        _, tables = read_tables(source)
    except MemfitError:
        return FileSettings()
    if not tables[0].channels:
        return FileSettings(area=1e-5, control="voltage")
    names = [name for name in tables[0].columns if name != "time"]
    columns = {"voltage": names[0], "current": names[min(1, len(names) - 1)]}
    return FileSettings(columns=columns, sense_resistance=50.0, control="voltage")
