"""What the tests of this folder share: a lab a test, and a report that ./dev test sums up.

    tests/net/dns_only_test.py [--report FILE] [TEST...]
"""

import argparse
import pathlib
import sys
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from netlab import Lab, Lattice  # noqa: E402


class NetCase(unittest.TestCase):
    """self.lab and self.lattice; everything that a test starts ends with it."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.lattice = Lattice(self.lab)

    def chain(self, blocks, block_bytes=1000, txs=2, seed=1):
        """Made once for all runs: mkchain is deterministic."""
        return self.lattice.make_chain(ROOT / "build" / "net" / f"regtest-{blocks}-{block_bytes}-{seed}.blk", blocks, block_bytes, txs, seed)


class Report(unittest.TextTestResult):
    """Writes down each test; beside a failure, the last words of the processes that were at work."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.suite = xml.Element("testsuite")

    def case(self, test):
        name = test.id().split(".")
        return xml.SubElement(self.suite, "testcase", classname=name[-2], name=name[-1], status="run")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.case(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        xml.SubElement(self.case(test), "skipped", message=reason)

    def write_failure(self, test, error):
        words = str(error[1])
        for process in getattr(getattr(test, "lab", None), "processes", []):
            words += f"\n-- {process.name} ({'running' if process.running() else process.child.returncode}):\n{process.last_words(8)}"
        xml.SubElement(self.case(test), "failure", message=words)
        self.stream.writeln(words)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.write_failure(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.write_failure(test, error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("tests", nargs="*", help="names of tests; without any, all")
    arguments = parser.parse_args()
    suite = unittest.TestSuite()
    for group in unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]):
        for test in group:
            if not arguments.tests or test.id().split(".")[-1] in arguments.tests:
                suite.addTest(test)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Report).run(suite)
    if arguments.report:
        xml.ElementTree(result.suite).write(arguments.report, encoding="unicode")
    return 0 if result.wasSuccessful() and result.testsRun else 1
