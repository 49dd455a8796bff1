"""`python -m edgefeat` is the `edgefeat` command."""

import sys

from edgefeat.cli import main

sys.exit(main())
