#!/usr/bin/env python3
"""A fresh node with an empty folder and a DNS name syncs the whole chain: the demo's network, smaller."""

from case import NetCase, main
from netlab import SeedNetwork, block_hashes


class DnsOnly(NetCase):
    def sync(self, operators):
        chain = self.chain(600, 10_000, 8)
        network = SeedNetwork(self.lattice, chain, count=4, operators=operators)
        network.fill()
        network.start()
        # Two of the four are named.
        texts = [network.seed_list([0, 1])] if operators else []
        network.serve(network.zone(addresses=[0], services=[1], texts=texts))
        report = network.fresh().report(60)
        self.assertEqual(report["height"], 600)
        self.assertEqual(report["tip"], block_hashes(chain)[-1])
        return network, report

    def test_signed_list(self):
        network, report = self.sync(operators=2)
        sources = {peer["source"] for peer in report["peers"]}
        self.assertIn("dns_signed", sources)
        self.assertNotIn("dns_unsigned", sources)
        self.assertTrue(report["dns"][0]["signed"])
        known = dict(zip((f"{host}:{network.port}" for host in network.hosts), network.identities))
        for peer in report["peers"]:
            self.assertEqual(peer["node_id"], known[peer["address"]])

    def test_unsigned_records_where_the_spec_has_no_operators(self):
        _, report = self.sync(operators=0)
        sources = {peer["source"] for peer in report["peers"]}
        self.assertIn("dns_unsigned", sources)
        self.assertNotIn("dns_signed", sources)
        self.assertFalse(report["dns"][0]["signed"])

    def test_the_zone_of_the_crawler(self):
        chain = self.chain(600, 10_000, 8)
        network = SeedNetwork(self.lattice, chain, count=6, operators=2)
        network.fill()
        network.start()
        network.serve(network.crawled_zone())
        report = network.fresh().report(60)
        self.assertEqual(report["tip"], block_hashes(chain)[-1])
        self.assertTrue(report["dns"][0]["signed"])
        self.assertEqual({peer["source"] for peer in report["peers"]}, {"dns_signed"})
        self.assertGreaterEqual(len(report["peers"]), 4)


if __name__ == "__main__":
    raise SystemExit(main())
