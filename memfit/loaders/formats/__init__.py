"""One file a format, or a maker, or the small formats of one idea; each states its readers.

`READERS` is the order in which they are asked: the more specific ones first, the generic table after all of
them.
"""

from memfit.loaders.formats import (
    biologic,
    chinstruments,
    fluxim,
    gamry,
    impedance_text,
    ivium,
    keithley,
    keysight,
    labone,
    lvm,
    memristor_loops,
    oscilloscope,
    palmsens,
    solar,
    versastudio,
    workbook,
    zahner,
)
from memfit.loaders.raw import Reader

READERS: tuple[Reader, ...] = (
    *biologic.READERS,
    gamry.READER,
    impedance_text.ZPLOT,
    impedance_text.Z60W,
    impedance_text.NOVA,
    impedance_text.DFR,
    impedance_text.I2B,
    impedance_text.P00,
    chinstruments.READER,
    versastudio.READER,
    ivium.READER,
    *palmsens.READERS,
    zahner.READER,
    impedance_text.RELAXIS,
    fluxim.READER,
    keithley.BUFFER,
    keithley.READINGS,
    memristor_loops.LOOPS,
    memristor_loops.KNOWM,
    *solar.READERS,
    keysight.IMPEDANCE,
    lvm.READER,
    labone.READER,
    keysight.EASYEXPERT,
    oscilloscope.LECROY,
    oscilloscope.BINARY,
    oscilloscope.TEXT,
    workbook.SHEET,
    workbook.PARQUET,
    workbook.XLS,
    workbook.XLSX,
)
