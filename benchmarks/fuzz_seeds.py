"""Files to mutate for the readers that have no real file, and what device.toml says of those that need it.

Written here as the instruments write them: NOVA text, EasyEXPERT, Keithley 4200 text and .xls, oscilloscopes
of several makers as text and binary, parquet (where pyarrow is there), tidy and generic tables.
"""

import importlib.util
import io

import numpy as np
import pandas as pd

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
    for name, record in tidy_records():
        yield name, format_record(record)


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
    yield "scope.isf", isf(np.where((TIME > 0.01) & (TIME < 0.03), 100, 0))
    if importlib.util.find_spec("pyarrow") is not None:
        packed = io.BytesIO()
        pd.DataFrame({"Voltage (V)": SWEEP, "Current (A)": CURRENT}).to_parquet(packed)
        yield "table.parquet", packed.getvalue()


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
    try:
        _, tables = read_tables(source)
    except MemfitError:
        return FileSettings()
    if not tables[0].channels:
        return FileSettings(area=1e-5, control="voltage")
    names = [name for name in tables[0].columns if name != "time"]
    columns = {"voltage": names[0], "current": names[min(1, len(names) - 1)]}
    return FileSettings(columns=columns, sense_resistance=50.0, control="voltage")
