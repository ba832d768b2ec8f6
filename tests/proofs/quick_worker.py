"""A worker at a desk whose models are fakes: it walks the real chain and writes the real journal, hundreds of cycles.

`quick_worker.py --desk DESK …`, as the server starts the engine's worker; it waits a moment after every cycle, so that
the server has many polls to go through instead of one.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.assignments import Desk
from engine.locks import FileLock
from engine.run_folder import read_spec
from tests.engine.chains import fake_chain

MOMENT_SECONDS = 0.04


def walk(folder: Path) -> None:
    spec = read_spec(folder)
    with FileLock(folder / "worker.lock", "run"), fake_chain(spec, folder) as chain:
        make = chain._make_generation

        def unhurried(cycle: int) -> None:
            make(cycle)
            time.sleep(MOMENT_SECONDS)

        chain._make_generation = unhurried  # type: ignore[method-assign]
        chain.run()


def main() -> int:
    desk = Desk(Path(sys.argv[sys.argv.index("--desk") + 1]))
    with FileLock(desk.lock, "desk"):
        while True:
            for folder in desk.waiting():
                walk(folder)
                desk.finish(folder, 0)
            if desk.close():
                return 0


if __name__ == "__main__":
    sys.exit(main())
