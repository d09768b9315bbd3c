"""`python -m memfit` is the command `memfit`."""

import sys

from memfit.isolation import leave_working_folder

if __name__ == "__main__":
    leave_working_folder()
    from memfit.cli.main import main

    sys.exit(main())
