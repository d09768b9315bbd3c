"""A batch of stand-ins as a process of its own: python start.py ROOT OUT."""

import signal
import sys
from pathlib import Path

import work

from memfit.batch.limits import Limits
from memfit.batch.run import Order, run_batch

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
    order = Order(workers=1, reports=False, limits=Limits(time=60.0))
    summary = run_batch(Path(sys.argv[1]), Path(sys.argv[2]), work.MAKERS, order)
    sys.stdout.write(f"{summary.fitted} {summary.unchanged}\n")
