#!/usr/bin/env python3
"""Twelve real nodes, each in a network namespace and an address group of its own, that begin with two names of the chain spec: how soon a
fresh one has four peers, and how soon all have four again when a third of them has gone."""

import json
import random
import time

from case import NetCase, main

from netlab import REGTEST, Hosts, NotHere, chain_spec, wait_until

NODES, GOOD, GONE = 12, 4, 4
FRESH = NODES - 1
PORT = 8500


class Peers(NetCase):
    def setUp(self):
        super().setUp()
        try:
            self.hosts = Hosts(self.lab, NODES)
        except NotHere as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.hosts.close)
        draw = random.Random(1)
        trips = [[draw.randrange(20_000, 200_000) for _ in range(NODES)] for _ in range(NODES)]  # microseconds
        self.hosts.start_proxy([[0 if a == b else trips[min(a, b)][max(a, b)] for b in range(NODES)] for a in range(NODES)])
        first = ", ".join(f'"{self.hosts[number].address}:{PORT}"' for number in (0, 1))
        self.spec = self.lab.folder / "chain.toml"
        self.spec.write_text(chain_spec(REGTEST, PORT, tail=f"[bootstrap]\npeers = [{first}]\n"), encoding="utf-8")
        chain = self.chain(20)
        self.nodes = []
        for number in range(NODES):
            data = self.lab.folder / f"data{number}"
            if number < 2:
                self.lattice.import_chain(chain, self.spec, data)
        for number in range(FRESH):
            self.nodes.append(self.start(number))

    def start(self, number):
        return self.lattice.node(f"n{number}", self.spec, self.lab.folder / f"data{number}", "--log-format", "json", "--external-address",
                                 f"{self.hosts[number].address}:{PORT}", listen=(self.hosts[number].address, PORT),
                                 namespace=self.hosts[number].fd)

    @staticmethod
    def events(node):
        """Whole lines; what was being written when it was killed is none."""
        return [json.loads(line) for line in node.process.output().splitlines() if line.startswith("{") and line.endswith("}")]

    def peers(self, node):
        """NodeIDs of those that it is linked with; feelers are not counted."""
        linked = {}
        for event in self.events(node):
            if event.get("event") == "peer_connected":
                linked[event["peer"], event["addr"]] = event["slot"]
            elif event.get("event") == "peer_left":
                linked.pop((event["peer"], event["addr"]), None)
        return {peer for (peer, _), slot in linked.items() if slot != "feeler"}

    def least(self, gone=frozenset()):
        """Peers of whoever has fewest, without those who have gone; none where somebody still counts on one of those."""
        linked = [self.peers(node) for node in self.nodes if node.process.running()]
        return 0 if any(peers & gone for peers in linked) else min(len(peers) for peers in linked)

    def identity(self, node):
        return next(event["node"] for event in self.events(node) if event.get("event") == "node_started")

    def test_four_peers_in_ten_seconds_and_again_after_a_third_has_gone(self):
        wait_until(lambda: self.least() >= GOOD, 60, "eleven nodes have four peers each")
        began = time.monotonic()
        self.nodes.append(self.start(FRESH))
        wait_until(lambda: len(self.peers(self.nodes[FRESH])) >= GOOD, 10, "a fresh node has four peers")
        found = time.monotonic() - began

        leaving = self.nodes[2:2 + GONE]
        gone = frozenset(self.identity(node) for node in leaving)
        for node in leaving:
            node.process.kill()
        began = time.monotonic()
        wait_until(lambda: self.least(gone) >= GOOD, 30, "all that are left have four peers, of those that are left")
        print(f"four peers after {found:.1f} s; after {GONE} of {NODES} had gone, four of the others after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
