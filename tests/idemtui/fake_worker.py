"""A worker without models: `fake_worker.py MODE RUN_FOLDER`, with the real one's lock, journal and cancel.

`finish` writes the invented chain of that run; `hold` begins it and waits for a cancel or a file named `release`;
`crash` ends without a word.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.commands import stop_requested
from engine.events import RunCancelled, RunFinished
from engine.journal import Journal
from engine.locks import FileLock
from tests.store.journals import DEMO, chain_events, chain_spec


def main(mode: str, folder: Path) -> int:
    if mode == "crash":
        print("fake worker: no memory left")
        return 3
    chain = next(chain for chain in DEMO if chain_spec(chain).run_id == folder.name)
    events = list(chain_events(chain))
    with FileLock(folder / "worker.lock", "run"):
        journal = Journal(folder / "events.jsonl")
        journal.append(events[0].model_copy(update={"resumed": bool(journal.entries)}))
        if mode == "hold":
            while not (folder / "release").exists():
                if stop_requested(folder) == "cancel":
                    journal.append(RunCancelled(reason="asked to"))
                    return 0
                time.sleep(0.02)
            journal.append(RunFinished(cycles_done=0))
            return 0
        for event in events[1:]:
            journal.append(event, durable=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
