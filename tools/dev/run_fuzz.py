"""Runs fuzz targets for some seconds each and sums them up: a target that finds nothing has passed.

    run_fuzz.py --build build/fuzz [--seconds 60] [--jobs 2] [TARGET...]

Inputs to begin with: fuzz/corpus/<target>/ (in the tree). What libFuzzer finds worth keeping stays in build/fuzz/corpus/<target>/ for
the next run, what breaks a target in build/fuzz/artifacts/<target>/.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import sys

from results import FAILED, PASSED, Case, Results
from run_tests import ROOT, Runner, end_of, executables, how_it_ended


def run_target(runner, program, build, seconds):
    if runner.stopped:
        return Case(program.name, FAILED, "not run")
    name = program.name
    corpus, artifacts = build / "corpus" / name, build / "artifacts" / name
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    tree_corpus, dictionary = ROOT / "fuzz" / "corpus" / name, ROOT / "fuzz" / "dict" / f"{name}.dict"
    argv = [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1",
            f"-artifact_prefix={artifacts}/", *([f"-dict={dictionary}"] if dictionary.is_file() else []), corpus,
            *([tree_corpus] if tree_corpus.is_dir() else [])]
    code, text, took = runner.run(name, argv, seconds + 120)
    executed = re.search(r"number_of_executed_units: (\d+)", text)
    runs, covered = int(executed[1]) if executed else 0, re.findall(r"\bcov: (\d+)", text)
    good = code == 0 and runs > 0
    print(f"  {'ok' if good else 'FAIL':4}  {name:28} {took:6.1f} s  {runs:10} inputs  {covered[-1] if covered else '?':>6} edges", flush=True)
    if good:
        return Case(name, PASSED)
    return Case(name, FAILED, how_it_ended(code, took) + f"\nThe input that did it is in {artifacts.relative_to(ROOT)}/\n" + end_of(text, 28))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    programs = [path for path in executables(arguments.build) if path.name.endswith("_fuzz")]
    unknown = [name for name in arguments.targets if name not in [path.name for path in programs]]
    if unknown:
        print(f"dev: there is no fuzz target {unknown[0]}; there are: {', '.join(path.name for path in programs)}", file=sys.stderr)
        return 2
    if arguments.targets:
        programs = [path for path in programs if path.name in arguments.targets]
    runner, results = Runner(), Results("fuzz targets")

    def stop(number, _frame):
        runner.stop()
        os._exit(128 + number)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print(f"\n== Fuzzing {len(programs)} targets, {arguments.seconds} s each, {arguments.jobs} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, arguments.jobs)) as pool:
        results.add(pool.map(lambda program: run_target(runner, program, arguments.build, arguments.seconds), programs))
    return results.close()


if __name__ == "__main__":
    sys.exit(main())
