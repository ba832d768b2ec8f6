"""Print the tables of docs/simulation.md: `python -m tests.simulation.table [CELLS] [BOOTSTRAPPED] [ADVISED]`."""

from __future__ import annotations

import sys

from tests.simulation.model import SCENARIOS, Scenario
from tests.simulation.study import LABELS, Outcome, advice, bootstrap_coverage, outcome

SIZES = (1, 3, 5, 10)
ADVISED = (Scenario("still", 3), Scenario("still", 5), Scenario("drift", 5, 10), Scenario("drift", 8, 20))


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


def main(count: int = 20_000, bootstrapped: int = 400, advised: int = 300) -> None:
    """Write the tables to stdout; 0 leaves one out."""
    write = sys.stdout.write
    if count:
        write(f"{count} cells a line, all numbers in %\n\n")
        write(f"| truth | R | paper A ≥ 15 | {' | '.join(LABELS)} | 90 % interval covers |\n")
        write("|---" * (4 + len(LABELS)) + "|\n")
    for scenario in SCENARIOS if count else ():
        for replicates in SIZES:
            write(row(outcome(scenario, replicates, count)) + "\n")
    if bootstrapped:
        write(f"\nhierarchical bootstrap, R = 10, B = 5000, {bootstrapped} cells\n\n| truth | covers |\n|---|---|\n")
        for scenario in (Scenario("still", 5), Scenario("drift", 5, 20)):
            write(f"| {scenario.name} | {percent(bootstrap_coverage(scenario, bootstrapped))} |\n")
    if advised:
        write(
            f"\nundecided cells of {advised} with R = 5, and fresh cells with as many replicates as they are told\n\n"
        )
        write("| truth | undecided | told R ≤ 60 | decided then | cheapest |\n|---|---|---|---|---|\n")
        for scenario in ADVISED:
            found = advice(scenario, advised)
            cheapest = ", ".join(f"{name} {times}" for name, times in sorted(found.cheapest.items()))
            write(f"| {scenario.name} | {found.undecided} | {found.told} | {found.decided} | {cheapest} |\n")


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
