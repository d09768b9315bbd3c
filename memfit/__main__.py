"""The command `memfit`, also as `python -m memfit`."""

import sys

from memfit.isolation import leave_working_folder


def run() -> int:
    """Run the command that was typed; the exit code.

    An empty entry of PYTHONPATH, as of `export PYTHONPATH=$PYTHONPATH:/more`, is the working folder.
    """
    leave_working_folder()
    from memfit.cli.main import main  # noqa: PLC0415 - what it imports is looked for elsewhere

    return main()


if __name__ == "__main__":
    sys.exit(run())
