#!/usr/bin/env python3
"""DATA/peers/NAME: a node finds its peers again without DNS; damage to the file costs what it says, and nothing else."""

import os

from case import NetCase, main
from netlab import SeedNetwork, block_hashes


class StoredPeers(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(50)
        self.network = SeedNetwork(self.lattice, self.file, count=2)
        self.network.fill()
        self.network.start()
        self.network.serve(self.network.zone(addresses=[0]))
        self.data = self.lab.folder / "fresh"
        self.network.fresh("fresh", data=self.data).report(30)
        self.peers = self.data / "peers" / "bitcoin-regtest"
        self.good = self.peers.read_bytes()

    def restart(self, name, *options):
        """A node that is ready: it has read its chain and opened its file."""
        node = self.lattice.node(name, self.network.spec, self.data, *options)
        self.lab.wait_ready(node.process, lambda: "node_started" in node.process.output(), 20)
        return node

    def said(self, node, words):
        self.lab.wait_ready(node.process, lambda: words in node.process.output(), 20)

    def test_a_restart_without_dns_finds_its_peers(self):
        report = self.network.fresh("again", "--no-dns", data=self.data).report(30)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        self.assertEqual(report["dns"], [])
        self.assertTrue(report["peers"])
        self.assertEqual({peer["source"] for peer in report["peers"]}, {"peer_exchange"})

    def test_without_the_file_there_is_nobody(self):
        self.peers.unlink()
        node = self.lattice.node("again", self.network.spec, self.data, "--no-dns", "--timeout", "4", report=self.lab.folder / "again.json")
        self.assertEqual(node.process.wait(20), 1)
        self.assertNotIn("stored_addresses", node.process.output())

    def test_damage_is_said_and_costs_nothing_else(self):
        cases = {"flip": self.good[:60] + bytes([self.good[60] ^ 1]) + self.good[61:], "cut": self.good[:-7], "empty": b"", "noise": os.urandom(5000),
                 "huge": bytes(4_000_000)}
        for name, content in cases.items():
            self.peers.write_bytes(content)
            node = self.restart(name, "--no-dns")
            self.said(node, "stored_addresses_damaged")
            self.assertEqual(node.process.stop(), 0, node.process.last_words())
            self.assertEqual(node.process.output().count("stored_addresses_damaged"), 1)
        # The file stays as it is while nobody is known; with a name to ask, the node goes on and writes a good one.
        self.assertEqual(self.peers.read_bytes(), cases["huge"])
        report = self.network.fresh("again", data=self.data).report(30)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        self.assertTrue(self.network.fresh("last", "--no-dns", data=self.data).report(30)["peers"])

    def test_what_is_no_file_keeps_nobody_from_starting(self):
        self.peers.unlink()
        os.mkfifo(self.peers)
        node = self.restart("pipe", "--no-dns")
        self.said(node, "stored_addresses_damaged")
        self.assertEqual(node.process.stop(), 0)
        self.peers.unlink()
        self.peers.mkdir()
        report = self.network.fresh("folder", data=self.data)
        report.report(30)
        self.assertEqual(report.process.output().count("addresses_not_saved"), 1)

    def test_in_memory_and_connect_only_leave_it_alone(self):
        self.peers.write_bytes(b"untouched")
        place = f"{self.network.hosts[0]}:{self.network.port}"
        for name, options in {"memory": ["--in-memory"], "only": ["--connect-only", place]}.items():
            node = self.network.fresh(name, *options, data=self.data)
            node.report(30)
            self.assertNotIn("stored_addresses", node.process.output())
            self.assertEqual(self.peers.read_bytes(), b"untouched")


if __name__ == "__main__":
    raise SystemExit(main())
