"""Runs the test programs of one build and sums them up.

    run_tests.py --title release --build build [--net | --net-only SCRIPT] [FILTER]

Programs in <build>/tests are GoogleTest programs, but for those that take files of vectors and close with a count of their own.
FILTER is a part of a name: a program's, or a test's ("unit_wire", "Reader", "noise_vectors", "kill").
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

from results import FAILED, PASSED, SKIPPED, Case, Results

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
# Programs that take published vectors: where these lie under LATTICE_VECTORS.
VECTOR_PROGRAMS = {"noise_vectors": ["noise/*.json"], "wycheproof": ["pq/*_test.json"]}
NO_VECTORS = "the published vectors are not here (LATTICE_VECTORS names their folder)"
PARTS = {"sim_tests": 2}
SECONDS_MAX = {"program": 900, "net": 900}
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


class Runner:
    """Children by their id, each in a process group of its own, so that what they start ends with them."""

    def __init__(self):
        self.running = {}
        self.lock = threading.Lock()
        self.stopped = False

    def run(self, name, argv, seconds_max, env=None):
        """(exit code or None where it took too long, output, seconds)"""
        began = time.monotonic()
        with tempfile.TemporaryFile("w+b") as output:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
                                     env={**os.environ, **(env or {})}, start_new_session=True)
            with self.lock:
                self.running[child] = (name, began)
            try:
                code = child.wait(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                code = None
            self._end(child)
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        return code, text, time.monotonic() - began

    def _end(self, child):
        # The program has a moment to stop what it started, then the whole group goes.
        for number, wait in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            if child.poll() is not None and number == signal.SIGTERM:
                continue
            try:
                os.killpg(child.pid, number)
                child.wait(timeout=wait)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        with self.lock:
            self.running.pop(child, None)

    def stop(self):
        self.stopped = True
        with self.lock:
            children = list(self.running)
        for child in children:
            self._end(child)

    def say_running(self):
        now = time.monotonic()
        with self.lock:
            words = [f"{name} ({now - began:.0f} s)" for name, began in self.running.values() if now - began > 10]
        if words:
            print(f"        running: {', '.join(words)}", flush=True)


def end_of(text, lines=40):
    return "\n".join(text.strip().splitlines()[-lines:])


def how_it_ended(code, seconds):
    if code is None:
        return f"stopped after {seconds:.0f} s: it took too long"
    if code < 0:
        return f"crashed: {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def list_tests(program):
    """Names as Suite.Test; None where this is no GoogleTest program."""
    listing = subprocess.run([program, "--gtest_list_tests"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             errors="replace", timeout=120, cwd=ROOT, check=False)
    if listing.returncode != 0 or "Running main() from" not in listing.stdout and not re.search(r"^\w\S*\.$", listing.stdout, re.M):
        return None
    names, suite = [], ""
    for line in listing.stdout.splitlines():
        word = line.split("#")[0].rstrip()
        if word.startswith("  "):
            names.append(suite + word.strip())
        elif word.endswith("."):
            suite = word
    return names


def cases_from_xml(program_name, path):
    cases = []
    for node in xml.parse(path).getroot().iter("testcase"):
        name = f"{program_name} {node.get('classname')}.{node.get('name')}"
        failure, skipped = node.findall("failure"), node.find("skipped")
        if failure:
            cases.append(Case(name, FAILED, "\n".join(part.get("message", "") for part in failure)))
        elif skipped is not None or node.get("result") == "skipped":
            message = skipped.get("message", "") if skipped is not None else ""
            # GoogleTest puts file and line first; a reader wants the sentence.
            cases.append(Case(name, SKIPPED, " ".join(re.sub(r"^\S+:\d+\s*", "", message).split())))
        elif node.get("status") == "run":
            cases.append(Case(name, PASSED))
    return cases


def cases_from_output(program_name, text):
    """What a program had printed before it crashed."""
    found = {"OK": PASSED, "FAILED": FAILED, "SKIPPED": SKIPPED}
    return [Case(f"{program_name} {match[2]}", found[match[1]], "see the program's output")
            for match in re.finditer(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+\.\S+) \(\d+ ms\)$", text, re.M)]


def run_gtest(runner, program, chosen, seconds_max):
    with tempfile.TemporaryDirectory(prefix="lattice-test-") as folder:
        report = pathlib.Path(folder) / "report.xml"
        argv = [program, f"--gtest_output=xml:{report}", "--gtest_color=no"]
        if chosen is not None:
            flags = pathlib.Path(folder) / "flags"  # a file: the list of names may be longer than an argument may be
            flags.write_text("--gtest_filter=" + ":".join(chosen) + "\n", encoding="utf-8")
            argv.append(f"--gtest_flagfile={flags}")
        code, text, seconds = runner.run(program.name, argv, seconds_max)
        if report.exists() and code is not None and code >= 0:
            cases = cases_from_xml(program.name, report)
        else:
            cases = cases_from_output(program.name, text)
    if code != 0 and not any(case.status == FAILED for case in cases):
        cases.append(Case(program.name, FAILED, how_it_ended(code, seconds) + "\n" + end_of(text, 28)))
    return cases, seconds


def run_vectors(runner, program, seconds_max):
    """One case a file; the program's own count goes into the sum."""
    folder = os.environ.get("LATTICE_VECTORS")
    files = [path for pattern in VECTOR_PROGRAMS[program.name] for path in sorted(pathlib.Path(folder).glob(pattern))] if folder else []
    if not files:
        return [Case(program.name, SKIPPED, NO_VECTORS)], None, 0.0, ""
    code, text, seconds = runner.run(program.name, [program, *files], seconds_max)
    lines = text.strip().splitlines()
    counts = CLOSING_LINE.match(lines[-1]) if lines else None
    if not counts or (code == 0) != (counts[2] == "0"):
        return [Case(program.name, FAILED, how_it_ended(code, seconds) + "\n" + end_of(text, 28))], None, seconds, ""
    count = dict(zip((PASSED, FAILED, SKIPPED), map(int, counts.groups())))
    words = [line for line in lines[:-1] if re.search("fail|skip|unknown", line, re.I)]
    return [], count, seconds, "\n".join("          " + line for line in words[:20])


def run_net(runner, script, chosen, seconds_max):
    with tempfile.TemporaryDirectory(prefix="lattice-test-") as folder:
        report = pathlib.Path(folder) / "report.xml"
        argv = [sys.executable, "-B", script, "--report", report, *(chosen or [])]
        code, text, seconds = runner.run(script.name, argv, seconds_max)
        cases = cases_from_xml(script.stem, report) if report.exists() else []
    if code != 0 and not any(case.status == FAILED for case in cases):
        cases.append(Case(script.stem, FAILED, how_it_ended(code, seconds) + "\n" + end_of(text, 28)))
    return cases, seconds


def say(name, cases, count, seconds, notes=""):
    number = {status: sum(case.status == status for case in cases) + (count or {}).get(status, 0) for status in (PASSED, FAILED, SKIPPED)}
    words = [f"{number[status]} {status}" for status in (FAILED, SKIPPED) if number[status]]
    print(f"  {'FAIL' if number[FAILED] else 'ok':4}  {name:24} {number[PASSED]:5} tests {seconds:7.1f} s  {', '.join(words)}", flush=True)
    if notes:
        print(notes, flush=True)


def chosen_tests(name, tests, wanted):
    """None: all of them; an empty list: none."""
    if wanted is None or wanted in name:
        return None
    return [test for test in tests if wanted in test]


def parts_of(program):
    """(part, parts) to run side by side: what takes longest begins first, in halves, or one core would wait for the other."""
    return [(part, PARTS.get(program.name, 1)) for part in range(PARTS.get(program.name, 1))]


class Work:
    """One program or script to run, chosen by the filter."""

    def __init__(self, runner, results, arguments):
        self.runner, self.results, self.wanted, self.scale = runner, results, arguments.filter, arguments.time_scale

    def program(self, program, part=0, parts=1):
        if self.runner.stopped:
            return
        limit = SECONDS_MAX["program"] * self.scale
        if program.name in VECTOR_PROGRAMS:
            if chosen_tests(program.name, [], self.wanted) is not None:
                return
            cases, count, seconds, notes = run_vectors(self.runner, program, limit)
            self.results.extra.update(count or {})
        else:
            tests = list_tests(program)
            if tests is None:
                cases, seconds = [Case(program.name, FAILED, "it does not list its tests: it crashed, or is no GoogleTest program")], 0.0
            else:
                chosen = chosen_tests(program.name, tests, self.wanted)
                if parts > 1:
                    chosen = (tests if chosen is None else chosen)[part::parts]
                if chosen == []:
                    return
                cases, seconds = run_gtest(self.runner, program, chosen, limit)
            count, notes = None, ""
        self.results.add(cases)
        say(program.name + (f" {part + 1}/{parts}" if parts > 1 else ""), cases, count, seconds, notes)

    def script(self, script):
        if self.runner.stopped:
            return
        chosen = None
        if self.wanted is not None and self.wanted not in script.stem:
            names = re.findall(r"^    def (test_\w+)", script.read_text(encoding="utf-8"), re.M)
            chosen = [name for name in names if self.wanted in name]
            if not chosen:
                return
        cases, seconds = run_net(self.runner, script, chosen, SECONDS_MAX["net"])
        self.results.add(cases)
        say(f"net/{script.stem}", cases, None, seconds)


def executables(folder):
    return sorted(path for path in folder.glob("*") if path.is_file() and os.access(path, os.X_OK)) if folder.is_dir() else []


def set_environment():
    for name, folder in (("LATTICE_VECTORS", SHARED / "vectors"), ("LATTICE_DATA", SHARED / "data")):
        if name not in os.environ and folder.is_dir():
            os.environ[name] = str(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--title", required=True)
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--net", action="store_true", help="also tests/net")
    parser.add_argument("--net-only", metavar="SCRIPT", help="this file of tests/net and nothing else")
    parser.add_argument("--time-scale", type=float, default=1)
    parser.add_argument("filter", nargs="?")
    arguments = parser.parse_args()
    set_environment()
    runner, results = Runner(), Results(f"{arguments.title} tests")

    def stop(number, _frame):
        runner.stop()
        sys.stdout.flush()
        os._exit(128 + number)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=lambda: [time.sleep(15) or runner.say_running() for _ in iter(int, 1)], daemon=True).start()

    print(f"\n== Tests ({arguments.title})", flush=True)
    work = Work(runner, results, arguments)
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        programs = [] if arguments.net_only else executables(arguments.build / "tests")
        programs.sort(key=lambda program: program.name not in PARTS)
        for done in [pool.submit(work.program, program, *part) for program in programs for part in parts_of(program)]:
            done.result()
    if arguments.net or arguments.net_only:  # real processes and real time: one at a time, nothing beside them
        os.environ["LATTICE_PROGRAM"] = str(arguments.build / "lattice")
        for script in sorted((ROOT / "tests" / "net").glob(arguments.net_only or "*_test.py")):
            work.script(script)
    return results.close()


if __name__ == "__main__":
    sys.exit(main())
