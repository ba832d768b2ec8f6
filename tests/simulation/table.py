"""Print the tables of docs/simulation.md: `python -m tests.simulation.table [CELLS] [BOOTSTRAPPED]`."""

from __future__ import annotations

import sys

from tests.simulation.model import SCENARIOS, Scenario
from tests.simulation.study import LABELS, Outcome, bootstrap_coverage, outcome

SIZES = (1, 3, 5, 10)


def percent(share: float | None) -> str:
    """Enough digits to see a rate below one in a hundred."""
    return "" if share is None else f"{100 * share:.2f}" if share < 0.0995 else f"{100 * share:.1f}"


def row(found: Outcome) -> str:
    """One line of the table."""
    fired = [percent(found.fired[name]) if found.fired else "–" for name in LABELS]
    covered = percent(found.covered)
    if found.covered_own is not None:
        covered = f"{covered} (own {percent(found.covered_own)})"
    cells = [found.scenario.name, str(found.replicates), percent(found.paper), *fired, covered]
    return "| " + " | ".join(cells) + " |"


def main(count: int = 20_000, bootstrapped: int = 400) -> None:
    """Write both tables to stdout."""
    write = sys.stdout.write
    write(f"{count} cells a line, all numbers in %\n\n")
    write(f"| truth | R | paper A ≥ 15 | {' | '.join(LABELS)} | 90 % interval covers |\n")
    write("|---" * (4 + len(LABELS)) + "|\n")
    for scenario in SCENARIOS:
        for replicates in SIZES:
            write(row(outcome(scenario, replicates, count)) + "\n")
            sys.stdout.flush()
    if bootstrapped:
        write(f"\nhierarchical bootstrap, R = 10, B = 5000, {bootstrapped} cells\n\n| truth | covers |\n|---|---|\n")
        for scenario in (Scenario("still", 5), Scenario("drift", 5, 20)):
            write(f"| {scenario.name} | {percent(bootstrap_coverage(scenario, bootstrapped))} |\n")


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
