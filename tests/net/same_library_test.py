#!/usr/bin/env python3
"""The simulator runs the program's Node: one library, compiled once, called by both. (That no `#if` of ours tells the two apart: tools/lint.)"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from case import ROOT, main

PROGRAM = pathlib.Path(os.environ.get("LATTICE_PROGRAM", ROOT / "build" / "lattice"))
BUILD = PROGRAM.parent


def symbols(file, *options):
    """Lines of nm as (letter, demangled name)."""
    done = subprocess.run(["nm", "-C", *options, file], capture_output=True, text=True, errors="replace", check=True)
    return [(match[1], match[2]) for match in re.finditer(r"^(?:[0-9a-f]+)? *([A-Za-z]) (.+)$", done.stdout, re.M)]


def archive(floor):
    return BUILD / "floors" / floor / f"liblattice_{floor}.a"


@unittest.skipUnless(shutil.which("nm"), "skips the look into the libraries: binutils' nm is not here")
class SameLibrary(unittest.TestCase):
    def node_functions(self):
        return {name for letter, name in symbols(archive("node")) if letter == "T" and name.startswith("lattice::Node::")}

    def test_only_the_node_library_defines_node(self):
        self.assertGreater(len(self.node_functions()), 5)
        for floor in [path.name for path in (BUILD / "floors").iterdir() if archive(path.name).is_file() and path.name != "node"]:
            own = [name for letter, name in symbols(archive(floor)) if letter not in "Uw" and re.match(r"lattice::Node::(?!Node\b)\w+\(", name)]
            self.assertEqual(own, [], f"liblattice_{floor}.a defines functions of Node")

    def test_host_and_simulator_call_the_same_functions(self):
        node = self.node_functions()
        called = {floor: {name for letter, name in symbols(archive(floor)) if letter == "U" and name in node} for floor in ("host", "sim")}
        # Inputs, outputs and start of a node: both drive it by the same interface.
        common = called["host"] & called["sim"]
        self.assertTrue(any(name.startswith("lattice::Node::on_bytes(") for name in common), f"common: {sorted(common)}")
        self.assertGreaterEqual(len(common), 5, f"common: {sorted(common)}")

    def test_the_program_holds_each_once(self):
        inside = [name for letter, name in symbols(PROGRAM) if letter in "tT" and name.startswith("lattice::Node::")]
        # Constructors and destructors come in two kinds of one name.
        for name in (name for name in self.node_functions() if not re.search(r"(\w+)::~?\1\(", name)):
            self.assertEqual(inside.count(name), 1, f"{name} is in the program {inside.count(name)} times")

    def test_each_file_of_the_node_is_compiled_once(self):
        if not (BUILD / "build.ninja").is_file():
            self.skipTest("skips the look at the build's rules: this build is not Ninja's")
        rules = (BUILD / "build.ninja").read_text(encoding="utf-8")
        for source in (ROOT / "lattice" / "node").glob("*.cpp"):
            objects = re.findall(rf"^build (\S+): CXX_COMPILER\S* {re.escape(str(source))}(?: |$)", rules, re.M)
            self.assertEqual(len(objects), 1, f"{source.name}: {objects}")

    def test_nothing_defines_a_macro_for_one_of_them(self):
        if not (BUILD / "build.ninja").is_file():
            self.skipTest("skips the look at the build's rules: this build is not Ninja's")
        rules = (BUILD / "build.ninja").read_text(encoding="utf-8")
        defines = set()
        for block in re.split(r"^build ", rules, flags=re.M)[1:]:
            if re.match(r"\S+/lattice_(base|crypto|wire|link|discovery|peers|relay|sync|node)\.dir/", block):
                defines |= set(re.findall(r"-D(\w+)", "".join(re.findall(r"^  (?:DEFINES|FLAGS) = (.*)$", block, re.M))))
        own = {name for name in defines if not name.startswith(("BOOST_", "FMT_", "SPDLOG_", "TOML_", "CARES_", "_"))}
        self.assertEqual(own, set())


if __name__ == "__main__":
    raise SystemExit(main())
