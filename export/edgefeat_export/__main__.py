"""`python -m edgefeat_export` is the `edgefeat-export` command."""

import sys

from edgefeat_export.cli.main import main

sys.exit(main())
