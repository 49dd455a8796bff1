"""`python -m edgefeat` is the `edgefeat` command."""

import sys

from edgefeat.cli.main import main

sys.exit(main())
