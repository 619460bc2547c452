#!/usr/bin/env python3
"""The same seed and commit give the same trace hash whatever compiler built the program: GCC's release build beside Clang's.

Clang's are those of ./dev test --sanitizers (build/asan/lattice, build/tsan/lattice), which runs this test as well; where neither is
there, it is skipped.
"""

import json
import os
import pathlib
import subprocess
import unittest

from case import ROOT, main

GCC = ROOT / "build" / "lattice"
CLANG = [path for path in (ROOT / "build" / "asan" / "lattice", ROOT / "build" / "tsan" / "lattice") if path.is_file()]
SCENARIOS = sorted((ROOT / "examples" / "scenarios").glob("*.toml"))
SECONDS_MAX = 300


def figures(program, *arguments):
    """What a run says, passed or not: the hash must be the same either way."""
    environment = {name: value for name, value in os.environ.items() if name != "LATTICE_DATA"}
    done = subprocess.run([program, "sim", "--shrink", "0", *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=ROOT,
                          timeout=SECONDS_MAX, check=False)
    start = done.stdout.find("{")
    if done.returncode not in (0, 1) or start < 0:
        raise AssertionError(f"{program} sim {arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout[start:])


@unittest.skipUnless(GCC.is_file(), "skips the comparison: build/lattice is not there; ./dev build makes it")
@unittest.skipUnless(CLANG, "skips the comparison with Clang: build/asan/lattice is not there; ./dev test --sanitizers builds it")
class SameTrace(unittest.TestCase):
    def compare(self, *arguments):
        expected = figures(GCC, *arguments)
        for program in CLANG:
            found = figures(program, *arguments)
            for key in ("trace_hash", "events", "bytes", "simulated_seconds", "height"):
                self.assertEqual(found[key], expected[key], f"{key} of {program.relative_to(ROOT)} sim {' '.join(map(str, arguments))}")

    def test_mixed(self):
        for seed in (1, 2, 3):
            self.compare("--scenario", "mixed", "--seed", seed, "--nodes", 10, "--blocks", 40)

    def test_sync_with_real_cryptography(self):
        self.compare("--scenario", "sync", "--seed", 4, "--nodes", 4, "--seeds", 2, "--blocks", 30, "--restarts", 2, "--new-blocks", 2,
                     "--cryptography", "real")

    def test_minichain(self):
        self.compare("--scenario", "minichain", "--seed", 5, "--nodes", 5, "--blocks", 4, "--restarts", 1)

    def test_measured_cities(self):
        cities = pathlib.Path(os.environ.get("LATTICE_DATA", ROOT.parent / "shared" / "data")) / "latency" / "rtt-avg-us.csv"
        if not cities.is_file():
            self.skipTest("skips a run with measured delays: LATTICE_DATA names their folder")
        self.compare("--scenario", "sync", "--seed", 6, "--nodes", 8, "--blocks", 40, "--restarts", 2, "--cities", cities)

    def test_scenario_files(self):
        self.assertTrue(SCENARIOS)
        for scenario in SCENARIOS:
            with self.subTest(scenario.name):
                self.compare("--scenario", scenario.relative_to(ROOT), "--seed", 7)


if __name__ == "__main__":
    raise SystemExit(main())
