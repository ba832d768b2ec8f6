"""Measures pocket models again: `python -m engine.pocket.check [FOLDER] [--count N]`; exits 1 where one falls short."""

from __future__ import annotations

import argparse
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Prints the acceptance table of a folder of models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE)
    parser.add_argument("--count", type=int, default=600)
    arguments = parser.parse_args()
    from engine.pocket.acceptance import measure, print_lines

    lines = measure(arguments.folder, arguments.count)
    print_lines(lines)
    return 0 if all(line.reached for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
