"""`python -m beffroi.guard.monitor`: see `main`."""

import sys

from beffroi.guard.monitor.main import main

sys.exit(main())
