#!/usr/bin/env python3
"""Suite 0x0101 with real processes: nodes whose policy leaves nothing but TLS, OpenSSL's own client, and what a relay would see."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from case import ROOT, NetCase, main
from netlab import REGTEST, block_hashes, chain_spec, free_port, wait_until

HOST, OTHER = "127.0.0.2", "127.0.0.3"
BLOCKS = 50


def with_suites(port, *suites):
    listed = ", ".join(f'"{suite}"' for suite in suites)
    return chain_spec(REGTEST, port, tail=f"\n[security]\nsuites = [{listed}]\n")


def probe_program():
    """The build that the tested program comes from has it."""
    program = pathlib.Path(os.environ.get("LATTICE_PROGRAM") or ROOT / "build" / "lattice")
    return program.parent / "tests" / "net" / "tls_probe"


def openssl_program():
    """OpenSSL's own, where there is one that knows ML-KEM (3.5): None else."""
    root = os.environ.get("LATTICE_OPENSSL_ROOT") or pathlib.Path.home() / ".cache" / "lattice" / "openssl"
    for program in (pathlib.Path(root) / "bin" / "openssl", shutil.which("openssl")):
        if not program or not os.access(program, os.X_OK):
            continue
        version = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
        found = re.match(r"OpenSSL (\d+)\.(\d+)", version)
        if found and (int(found[1]), int(found[2])) >= (3, 5):
            return program
    return None


class TlsCase(NetCase):
    def setUp(self):
        super().setUp()
        self.port = free_port(HOST, OTHER)

    def spec(self, name, *suites):
        file = self.lab.folder / f"{name}.toml"
        file.write_text(with_suites(self.port, *suites), encoding="utf-8")
        return file

    def server(self, *suites, blocks=False):
        spec, data = self.spec("server", *suites), self.lab.folder / "server"
        if blocks:
            self.file = self.chain(BLOCKS, 2000)
            self.lattice.import_chain(self.file, spec, data)
        return self.lattice.node("server", spec, data, "--connect-only", "--log-level", "debug", listen=(HOST, self.port))


class PlainClients(TlsCase):
    """They get as far as TLS, and no further: they have nothing to say inside."""

    def probe(self, groups):
        done = subprocess.run([probe_program(), HOST, str(self.port), groups], capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()

    def test_the_group_is_agreed_on_and_no_other(self):
        self.server("0x0001", "0x0101")
        self.assertEqual(self.probe("X25519MLKEM768"), "group X25519MLKEM768")
        self.assertEqual(self.probe("X25519:X25519MLKEM768"), "group X25519MLKEM768")
        for groups in ("X25519:P-256", "X25519", "SecP256r1MLKEM768", "ffdhe2048"):
            self.assertEqual(self.probe(groups), "refused", groups)

    def test_no_tls_where_policy_does_not_allow_it(self):
        self.server("0x0001")
        self.assertEqual(self.probe("X25519MLKEM768"), "refused")

    def s_client(self, program, groups):
        done = subprocess.run([program, "s_client", "-connect", f"{HOST}:{self.port}", "-groups", groups, "-brief"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_openssl_itself_agrees(self):
        program = openssl_program()
        if not program:
            raise unittest.SkipTest("no OpenSSL program of 3.5 or later on this machine; tls_probe has asked the same")
        self.server("0x0101")
        code, words = self.s_client(program, "X25519MLKEM768")
        self.assertEqual(code, 0, words)
        self.assertIn("Protocol version: TLSv1.3", words)
        self.assertRegex(words, r"Negotiated TLS1\.3 group: X25519MLKEM768")
        for groups in ("X25519:P-256", "X448"):
            code, words = self.s_client(program, groups)
            self.assertNotEqual(code, 0, words)
            self.assertNotIn("CONNECTION ESTABLISHED", words)


class Nodes(TlsCase):
    def synced_from(self, server, *suites):
        report = self.lab.folder / "report.json"
        node = self.lattice.node("client", self.spec("client", *suites), self.lab.folder / "client", "--connect-only", f"{HOST}:{self.port}",
                                 "--log-level", "debug", report=report)
        result = node.report(60)
        self.assertEqual((result["height"], result["tip"]), (BLOCKS, block_hashes(self.file)[-1]))
        self.assertTrue(server.process.running())
        return {peer["suite"] for peer in result["peers"]}

    def test_two_nodes_sync_over_tls(self):
        server = self.server("0x0101", blocks=True)
        self.assertEqual(self.synced_from(server, "0x0101"), {"0x0101"})

    def test_a_retry_leads_into_tls(self):
        server = self.server("0x0101", blocks=True)
        self.assertEqual(self.synced_from(server, "0x0001", "0x0101"), {"0x0101"})

    def test_noise_is_chosen_where_both_have_it(self):
        server = self.server("0x0001", "0x0101", blocks=True)
        self.assertEqual(self.synced_from(server, "0x0101", "0x0001"), {"0x0001"})

    def test_no_common_suite_is_no_link(self):
        self.server("0x0001")
        node = self.lattice.node("client", self.spec("client", "0x0101"), self.lab.folder / "client", "--connect-only", f"{HOST}:{self.port}",
                                 "--log-level", "debug", listen=(OTHER, self.port))
        wait_until(lambda: "cut_without_close" in node.process.output() or "bad_handshake" in node.process.output(), 20, "the dial to fail")
        self.assertNotIn("peer_connected", node.process.output())


if __name__ == "__main__":
    raise SystemExit(main())
