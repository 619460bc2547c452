#!/usr/bin/env python3
"""Seeds that lie, stall, send garbage, a wrong magic, a bad proof of work or a wrong Merkle root stand in the zone before an honest one:
they are left with a reason, and the sync completes from the other.

Two kinds: servers that are no nodes (hostile_servers.py), and build/tests/net/hostile_seed, which speaks the real handshake and protocol
and breaks one rule.
"""

import os
import signal
import time

from case import NetCase, main
from hostile_servers import BEHAVIOURS, HostileServer
from netlab import ZONE, SeedNetwork, block_hashes, free_port, listens, zone_text

BLOCKS = 600
# Short, so that who says nothing is left while the test still looks.
LIMITS = "\n[limits]\nhandshake_timeout = 3\nrequest_timeout = 3\n"


class HostileCase(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(BLOCKS, 10_000, 8)
        self.network = SeedNetwork(self.lattice, self.file, count=1, tail=LIMITS)
        self.network.fill()
        self.network.start()

    def sync(self, hostile):
        """hostile: (address, port) of each."""
        self.network.serve(zone_text(ZONE, [], [*hostile, (self.network.hosts[0], self.network.port)]))
        report = self.network.fresh().report(120)
        self.assertEqual((report["height"], report["tip"]), (BLOCKS, block_hashes(self.file)[-1]))
        return report

    def reasons(self, report, address):
        return {left["reason"] for left in report["left"] if left["address"] == "%s:%d" % address}


class NoNodes(HostileCase):
    def servers(self, *names):
        servers = []
        for number, name in enumerate(names):
            host = f"127.0.1.{number + 1}"
            servers.append(HostileServer(host, free_port(host), BEHAVIOURS[name]))
            self.addCleanup(servers[-1].stop)
        return servers

    def test_garbage_is_left(self):
        (server,) = self.servers("garbage")
        report = self.sync([server.address])
        self.assertGreater(server.connections, 0)
        self.assertTrue(self.reasons(report, server.address))

    def test_our_own_words_sent_back_are_left(self):
        (server,) = self.servers("echo")
        report = self.sync([server.address])
        self.assertTrue(self.reasons(report, server.address))

    def test_many_that_stall_do_not_hold_the_sync_up(self):
        servers = self.servers("stall", "drip", "slam", "stall", "drip", "garbage")
        report = self.sync([server.address for server in servers])
        self.assertLess(report["seconds"], 60)


class Liars(HostileCase):
    """Each breaks one rule and keeps the others."""

    def beside(self, mode, met="peer_left", *options, **where):
        """The honest seed sleeps until the other was met (a log line), so that it cannot win the race and prove nothing."""
        host, port = "127.0.1.20", free_port("127.0.1.20")
        program = self.lattice.program.parent / "tests" / "net" / "hostile_seed"
        process = self.lab.start("hostile", [program, mode, f"{host}:{port}", self.network.spec, self.file])
        self.lab.wait_ready(process, lambda: listens(host, port), 20)
        self.network.serve(zone_text(ZONE, [], [(host, port), (self.network.hosts[0], self.network.port)]))
        honest = self.network.nodes[0].process.pid
        os.kill(honest, signal.SIGSTOP)
        try:
            node = self.network.fresh("fresh", *options, **where)
            words = f"addr={host}:{port}"
            self.lab.wait_ready(node.process, lambda: any(met in line and words in line for line in node.process.output().splitlines()), 20)
        finally:
            os.kill(honest, signal.SIGCONT)
        report = node.report(120)
        self.assertEqual((report["height"], report["tip"]), (BLOCKS, block_hashes(self.file)[-1]))
        self.assertTrue(process.running(), process.last_words())
        return report, (host, port)

    def left_for(self, mode, *expected):
        report, address = self.beside(mode)
        self.assertTrue(self.reasons(report, address) & set(expected), report["left"])

    def test_honest(self):
        """Breaks nothing and is not left: the others fail for their fault alone."""
        report, address = self.beside("honest", met="peer_connected")
        self.assertEqual(self.reasons(report, address), set())
        self.assertIn("%s:%d" % address, {peer["address"] for peer in report["peers"]})

    def test_bad_proof_of_work(self):
        self.left_for("bad-pow", "bad_proof_of_work")

    def test_a_ban_outlives_the_node_until_it_is_lifted(self):
        data = self.lab.folder / "node"
        _, address = self.beside("bad-pow", data=data)
        place, bans = "%s:%d" % address, ["bans", "--chain", self.network.spec, "--data", data]
        listed = self.lattice.run(*bans).stdout.splitlines()
        self.assertEqual(len([line for line in listed if line.startswith(place + " banned until ") and "bad_proof_of_work" in line]), 1, listed)
        self.assertEqual(len([line for line in listed if line.startswith("lat1")]), 1, listed)

        def start(name):
            return self.lattice.node(name, self.network.spec, data, "--dns-server", self.network.knot.server)

        def met(node):
            return any(f"addr={place}" in line for line in node.process.output().splitlines())

        again = start("again")
        self.lab.wait_ready(again.process, lambda: "peer_connected" in again.process.output(), 20)
        time.sleep(5)
        self.assertIn("stored_bans_loaded", again.process.output())
        self.assertFalse(met(again), again.process.output())
        # While the node runs it would write them again.
        self.lattice.run(*bans, "--lift", "all", code=1)
        self.assertEqual(again.process.stop(), 0)
        self.assertEqual(self.lattice.run(*bans).stdout.splitlines(), listed)
        self.lattice.run(*bans, "--lift", "not an address", code=1)
        self.assertIn("0 lifted, 2 left", self.lattice.run(*bans, "--lift", "192.0.2.1").stdout)
        self.assertIn("2 lifted, 0 left", self.lattice.run(*bans, "--lift", "127.0.1.0/24", "--lift", "all").stdout)
        last = start("last")
        self.lab.wait_ready(last.process, lambda: met(last), 20)

    def test_wrong_merkle_root(self):
        self.left_for("bad-merkle", "bad_merkle_root")

    def test_wrong_magic(self):
        self.left_for("wrong-magic", "wrong_magic", "bad_handshake", "cut_without_close", "connection_lost")

    def test_garbage_in_place_of_records(self):
        self.left_for("garbage", "bad_record")

    def test_silent(self):
        self.left_for("silent", "request_timeout", "stalled")

    def test_withholds_blocks(self):
        self.left_for("withhold", "stalled", "request_timeout")

    def test_claims_more_than_it_has(self):
        self.beside("short", met="peer_connected")


if __name__ == "__main__":
    raise SystemExit(main())
