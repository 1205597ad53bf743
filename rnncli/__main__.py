"""``python -m rnncli`` is ``rnncli``."""

import sys

from rnncli.cli.main import main

if __name__ == "__main__":
    sys.argv[0] = "rnncli"  # as a run records how it was begun
    main()
