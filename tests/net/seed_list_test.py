#!/usr/bin/env python3
"""Where the chain spec names operators, only what they have signed is used: no unsigned address, no stranger's or expired list."""

import time

from case import NetCase, main
from netlab import SeedNetwork, block_hashes

QUIET_SECONDS = 5


def connections_to(port):
    with open("/proc/net/tcp", encoding="ascii") as table:
        return [line for line in list(table)[1:] if line.split()[2].endswith(f":{port:04X}")]


class SeedLists(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(50)

    def network(self, operators):
        network = SeedNetwork(self.lattice, self.file, count=1, operators=operators)
        network.fill()
        network.start()
        return network

    def stays_alone(self, network):
        """The fresh node dials nobody: asked of the kernel, not of the node."""
        node = network.fresh()
        deadline = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < deadline:
            self.assertTrue(node.process.running(), node.process.last_words())
            self.assertEqual(connections_to(network.port), [])
            time.sleep(0.02)
        node.process.stop()
        return node.process.output()

    def test_unsigned_records_are_ignored(self):
        network = self.network(operators=1)
        network.serve(network.zone(addresses=[0], services=[0]))
        self.stays_alone(network)

    def test_expired_list_is_ignored(self):
        network = self.network(operators=1)
        expired = network.seed_list([0], expires="1s")
        time.sleep(2)
        network.serve(network.zone(addresses=[0], texts=[expired]))
        self.assertIn("seed_list_expired", self.stays_alone(network))

    def test_too_few_signatures_are_ignored(self):
        network = self.network(operators=2)
        network.keys = network.keys[:1]
        network.serve(network.zone(addresses=[0], texts=[network.seed_list([0])]))
        self.stays_alone(network)

    def test_a_strangers_list_is_ignored(self):
        network = self.network(operators=1)
        stranger = self.lab.folder / "stranger.key"
        self.lattice.make_operator(stranger)
        network.keys = [stranger]
        network.serve(network.zone(addresses=[0], texts=[network.seed_list([0])]))
        self.assertIn("unknown_operator", self.stays_alone(network))

    def test_the_operators_list_among_others_is_used(self):
        network = self.network(operators=1)
        good = network.seed_list([0])
        network.serve(network.zone(texts=["lattice-seeds-1:AAAA", "v=spf1 -all", good[:-8] + "AAAAAAAA", good]))
        report = network.fresh().report(30)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])

    def test_a_seed_with_another_identity_is_left(self):
        """The list binds an address to a NodeID: who answers there with another key is not taken for it."""
        network = self.network(operators=1)
        network.identities = [self.lattice.make_identity(self.lab.folder / "somebody")]
        network.serve(network.zone(texts=[network.seed_list([0])]))
        node = network.fresh()
        time.sleep(QUIET_SECONDS)
        self.assertTrue(node.process.running(), node.process.last_words())
        node.process.stop()
        self.assertIn("wrong_identity", node.process.output())


if __name__ == "__main__":
    raise SystemExit(main())
