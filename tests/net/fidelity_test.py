#!/usr/bin/env python3
"""The simulator against the world: the same 30 nodes with the same links, cities and rates, as real processes behind the delay proxy
and in the simulator. How long a 100 KB block takes to half of them, and to all but one in a hundred, agrees within 15%."""

import datetime
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import time

from case import ROOT, NetCase, main

from netlab import REGTEST, Hosts, NotHere, block_hashes, chain_spec, wait_until

NODES, LINKS_EACH, BLOCKS, BLOCK_BYTES = 30, 3, 7, 100_000
SEED = 20
RATE = 12_500_000  # bytes a second
PAUSE = 3          # s; every connection's congestion window is back at its beginning (RFC 5681 4.1)
TOLERANCE = 0.15
PORT = 8400
DATA = pathlib.Path(os.environ.get("LATTICE_DATA") or ROOT.parent / "shared" / "data")


def draw_links(seed):
    """Who dials whom: each node three others, no pair twice. A ring is among them, so that all are joined."""
    rng, pairs, links = random.Random(seed), set(), []
    for node in range(NODES):
        wanted = [(node + 1) % NODES] + rng.sample(range(NODES), NODES)
        mine = 0
        for other in wanted:
            pair = frozenset((node, other))
            if other != node and pair not in pairs and mine < LINKS_EACH:
                pairs.add(pair)
                links.append([node, other])
                mine += 1
    return links


def nearest_rank(seconds, share):
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def records(file):
    """The blk file's records after the genesis, each with its head."""
    data, at = pathlib.Path(file).read_bytes(), 0
    while at < len(data):
        size = int.from_bytes(data[at + 4:at + 8], "little")
        if at > 0:
            yield data[at:at + 8 + size]
        at += 8 + size


class Fidelity(NetCase):
    def start(self, links):
        try:
            hosts = Hosts(self.lab, NODES, {"tcp_congestion_control": "reno"})  # the one of the simulator's model
        except NotHere as reason:
            self.skipTest(str(reason))
        self.addCleanup(hosts.close)
        hosts.start_proxy(DATA / "latency" / "rtt-avg-us.csv", seed=SEED, lines={"up": RATE, "down": RATE, "queue": 8 << 20})
        spec = self.lab.folder / "chain.toml"
        spec.write_text(chain_spec(REGTEST, PORT), encoding="utf-8")
        self.mined = self.lab.folder / "mined.blk"
        nodes = []
        for number in range(NODES):
            peers = [word for dialler, other in links if dialler == number for word in ("--connect", f"{hosts[other].address}:{PORT}")]
            follow = ["--follow", self.mined] if number == 0 else []
            nodes.append(self.lattice.node(f"n{number}", spec, self.lab.folder / f"data{number}", "--connect-only", *peers, *follow,
                                           "--log-level", "debug", "--log-format", "json", listen=(hosts[number].address, PORT),
                                           namespace=hosts[number].fd, niceness=-15))  # what is measured is not the machine's other work
        return hosts, nodes

    @staticmethod
    def events(node, name):
        for line in node.process.output().splitlines():
            if f'"event":"{name}"' in line:
                yield json.loads(line)

    def ready(self, node, links):
        peers = sum(1 for _ in self.events(node, "peer_connected")) - sum(1 for _ in self.events(node, "peer_left"))
        return peers >= links and any(self.events(node, "synced"))

    def tips(self, node):
        """When it came to each tip, by the tip's hash as it is shown."""
        out = {}
        for event in self.events(node, "tip_changed"):
            when = datetime.datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
            out[bytes.fromhex(event["hash"])[::-1].hex()] = when.replace(tzinfo=datetime.timezone.utc).timestamp()
        return out

    def measure(self, chain, links):
        hosts, nodes = self.start(links)
        wait_until(lambda: all(self.ready(node, sum(number in link for link in links)) for number, node in enumerate(nodes)), 60,
                   "the nodes link and sync")
        hashes = block_hashes(chain)[1:]
        for record, block in zip(records(chain), hashes):
            time.sleep(PAUSE)
            with open(self.mined, "ab") as file:
                file.write(record)
            wait_until(lambda block=block: all(block in self.tips(node) for node in nodes), 30, "the block reaches every node")
        report = hosts.stop_proxy()
        reached = [self.tips(node) for node in nodes]
        return [[of_node[block] - reached[0][block] for of_node in reached[1:]] for block in hashes], report

    def simulate(self, chain, links, measured, picture):
        program = self.lattice.program.parent / "tests" / "net" / "fidelity_run"
        config = self.lab.folder / "fidelity.json"
        config.write_text(json.dumps({
            "seed": SEED, "delays": str(DATA / "latency" / "rtt-avg-us.csv"), "rate": RATE, "nodes": NODES, "links": links,
            "blocks": str(chain), "pause": PAUSE, "measured": measured, "plot": str(picture)}), encoding="utf-8")
        done = subprocess.run([program, config], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["arrivals"]

    def test_propagation_of_a_block(self):
        if not (DATA / "latency").is_dir():
            self.skipTest("the delays between cities are not here (LATTICE_DATA names their folder)")
        chain = self.chain(BLOCKS, BLOCK_BYTES, 0, SEED)
        links = draw_links(SEED)
        measured, report = self.measure(chain, links)
        picture = ROOT / "build" / "net" / "fidelity.svg"
        simulated = self.simulate(chain, links, measured, picture)
        words = []
        for name, share in (("T50", 0.5), ("T99", 0.99)):
            real, model = (statistics.median(nearest_rank(block, share) for block in blocks) for blocks in (measured, simulated))
            words.append(f"{name}: processes {real:.3f} s, simulator {model:.3f} s, {100 * (model / real - 1):+.1f}%")
        print("\n".join([*words, f"proxy: {report['late_us']} us late, {report['packets_in']} packets; {picture}"]), flush=True)
        shutil.copy(self.lab.folder / "fidelity.json", picture.with_suffix(".json"))
        for name, share in (("T50", 0.5), ("T99", 0.99)):
            real, model = (statistics.median(nearest_rank(block, share) for block in blocks) for blocks in (measured, simulated))
            self.assertLess(abs(model / real - 1), TOLERANCE, "; ".join(words))


if __name__ == "__main__":
    raise SystemExit(main())
