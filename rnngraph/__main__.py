"""``python -m rnngraph``: the same command line as the ``rnngraph`` script."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
