"""What a run of tests came to: cases, their sum, and the closing line that ./dev and CI end with."""

import collections
import dataclasses
import os
import sys

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclasses.dataclass
class Case:
    name: str
    status: str
    message: str = ""  # why it failed or was skipped


class Results:
    def __init__(self, title):
        self.title = title
        self.cases = []
        self.extra = collections.Counter()  # counted by a program that keeps its cases to itself

    def add(self, cases):
        self.cases.extend(cases)

    def count(self, status):
        return sum(case.status == status for case in self.cases) + self.extra[status]

    def close(self):
        """Prints reasons and the closing line; the exit code. Zero tests are a failure: something was not found."""
        self._print_skips()
        self._print_failures()
        passed, failed, skipped = (self.count(status) for status in (PASSED, FAILED, SKIPPED))
        if passed + failed == 0:
            print(f"\n{self.title}: no test was run", flush=True)
            failed = 1
        self._print_sum(passed, failed, skipped)
        return 1 if failed else 0

    def _print_sum(self, passed, failed, skipped):
        # LATTICE_TOTALS names a file that CI sums up: then the closing line is CI's own, and ours is worded otherwise.
        totals = os.environ.get("LATTICE_TOTALS")
        if totals:
            with open(totals, "a", encoding="utf-8") as file:
                file.write(f"{passed} {failed} {skipped}\n")
            print(f"\n{self.title}: {passed} good, {failed} bad, {skipped} left out", flush=True)
        else:
            print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)

    def _print_skips(self):
        reasons = collections.defaultdict(list)
        for case in self.cases:
            if case.status == SKIPPED:
                reasons[case.message.strip() or "no reason given"].append(case.name)
        if reasons:
            print("\nSkipped:")
        for reason, names in reasons.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            print(f"  {names[0]}{more}: {reason}")

    def _print_failures(self):
        failed = [case for case in self.cases if case.status == FAILED]
        if failed:
            print("\nFailed:")
        for case in failed:
            lines = case.message.strip().splitlines() or ["no message"]
            print(f"  {case.name}")
            for line in lines[:30]:
                print(f"      {line}")
        sys.stdout.flush()
