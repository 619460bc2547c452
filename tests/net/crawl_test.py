#!/usr/bin/env python3
"""lattice crawl walks a network of real nodes from one of them, and writes the zone from which Knot serves a fresh node."""

import re

from case import NetCase, main
from netlab import ZONE, Knot, LabError, SeedNetwork, block_hashes, wait_until

NODES = 6
BLOCKS = 200


class Crawl(NetCase):
    def network(self, operators, count=NODES):
        network = SeedNetwork(self.lattice, self.chain(BLOCKS), count=count, operators=operators)
        network.fill()
        network.start()
        return network

    def crawl(self, network, *options, name="crawl", begin=-1):
        """A crawler that is told of one node, and its zone file."""
        zone = self.lab.folder / "zone.crawled"
        words = [word for key in network.keys for word in ("--sign-key", key)]
        return zone, self.lab.start(name, [self.lattice.program, "crawl", "--chain", network.spec, "--zone", zone, "--no-dns",
                                           "--ns-address", "127.0.0.1", "--ttl", "5", *words,
                                           "--connect", f"{network.hosts[begin]}:{network.port}", *options])

    def hosts_in(self, zone):
        """The nodes of a zone: by its SRV records, and the addresses of their hosts."""
        address = dict(re.findall(r"^(node\d+\.\S+)\. \d+ IN A (\S+)$", zone, re.M))
        return {address[host] for host in re.findall(r"IN SRV 0 1 \d+ (\S+)\.$", zone, re.M)}

    def list_of(self, zone):
        """The TXT text of the signed list."""
        for record in re.findall(r"IN TXT \(\n(.*?)\)\n", zone, re.S):
            text = "".join(re.findall(r'"([^"]*)"', record))
            if text.startswith("lattice-seeds-1:"):
                return text
        raise LabError("no signed list in the zone")

    def verify(self, network, zone, code=0):
        file = self.lab.folder / "list.txt"
        file.write_text(self.list_of(zone), encoding="ascii")
        return self.lattice.run("seeds", "verify", file, "--chain", network.spec, code=code).stdout

    def serial(self, zone):
        return int(re.search(r" IN SOA \S+ \S+ (\d+) ", zone).group(1))

    def sequence(self, network, zone):
        return int(re.search(r"sequence (\d+),", self.verify(network, zone)).group(1))

    def test_a_fresh_node_syncs_from_a_crawled_zone(self):
        network = self.network(operators=2)
        zone = network.crawled_zone()
        self.assertEqual(self.hosts_in(zone), set(network.hosts))
        self.assertRegex(zone, rf"(?m)^{re.escape(ZONE)}\. 5 IN A 127\.0\.0\.\d+$")
        said = self.verify(network, zone)
        self.assertIn("good", said)
        for host, identity in zip(network.hosts, network.identities):
            self.assertIn(f"{identity}@{host}:{network.port}", said)
        network.serve(zone)
        report = network.fresh().report(60)
        self.assertEqual((report["height"], report["tip"]), (BLOCKS, block_hashes(network.chain)[-1]))
        self.assertTrue(report["dns"][0]["signed"])
        self.assertEqual(report["dns"][0]["outcome"], "alone")
        self.assertEqual(report["dns"][0]["used"], NODES)
        self.assertIn("dns_signed", {peer["source"] for peer in report["peers"]})

    def test_without_operators_the_zone_has_no_list(self):
        network = self.network(operators=0, count=3)
        zone = network.crawled_zone()
        self.assertNotIn(" TXT ", zone)
        self.assertEqual(self.hosts_in(zone), set(network.hosts))
        network.serve(zone)
        self.assertEqual(network.fresh().report(60)["height"], BLOCKS)

    def test_a_node_that_goes_away_leaves_the_next_zone(self):
        network = self.network(operators=1, count=4)
        zone_file, process = self.crawl(network, "--interval", "1", "--revisit", "2")
        self.lab.wait_ready(process, lambda: zone_file.exists() and len(self.hosts_in(zone_file.read_text())) == 4, 40)
        first = zone_file.read_text(encoding="ascii")
        knot = network.knot = Knot(self.lab, ZONE, first)
        network.nodes[1].process.stop()
        gone = network.hosts[1]
        wait_until(lambda: gone not in self.hosts_in(zone_file.read_text()), 40, "the zone still names who is gone")
        second = zone_file.read_text(encoding="ascii")
        self.assertEqual(self.hosts_in(second), set(network.hosts) - {gone})
        self.assertGreater(self.serial(second), self.serial(first))
        self.assertGreater(self.sequence(network, second), self.sequence(network, first))
        knot.reload(second)
        self.assertEqual(network.fresh().report(60)["height"], BLOCKS)
        self.assertTrue(process.running(), process.last_words())
        self.assertEqual(process.stop(), 0)

    def test_numbers_rise_from_one_run_to_the_next(self):
        network = self.network(operators=1, count=2)
        first = network.crawled_zone()
        later = "; lattice crawl: serial 2000000000, sequence 5000000000\n"
        (self.lab.folder / "zone.crawled").write_text(later + first.split("\n", 1)[1], encoding="ascii")
        second = network.crawled_zone()
        self.assertEqual(self.serial(second), 2000000001)
        self.assertEqual(self.sequence(network, second), 5000000001)

    def test_what_is_no_zone_of_its_own_is_left_alone(self):
        network = SeedNetwork(self.lattice, self.chain(BLOCKS), count=1, operators=1)
        zone = self.lab.folder / "zone.crawled"
        zone.write_text("made by hand\n", encoding="ascii")
        _, process = self.crawl(network, "--once")
        self.assertEqual(process.wait(20), 1)
        self.assertEqual(zone.read_text(encoding="ascii"), "made by hand\n")

    def test_where_nobody_answers_the_zone_stays(self):
        network = self.network(operators=1, count=2)
        zone = network.crawled_zone()
        for node in network.nodes:
            node.process.stop()
        _, process = self.crawl(network, "--once", name="nobody")
        self.assertEqual(process.wait(40), 1)
        self.assertEqual((self.lab.folder / "zone.crawled").read_text(encoding="ascii"), zone)


if __name__ == "__main__":
    raise SystemExit(main())
