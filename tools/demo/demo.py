#!/usr/bin/env python3
"""The main job on one machine: a fresh node with an empty folder and a DNS name syncs from zero.

A Knot DNS server with a zone of seeds on a loopback port; four seed nodes on 127.0.0.2 to 127.0.0.5 with a chain of 5,000 blocks;
`lattice crawl` is told of one of them, finds the others and writes the zone: a signed seed list in TXT beside SRV and A.
Everything that is started is stopped, also on Ctrl-C. Needs no network but loopback.
"""

import argparse
import pathlib
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from netlab import Lab, LabError, Lattice, SeedNetwork, block_hashes  # noqa: E402

BLOCK_BYTES, TXS, SEED = 10_000, 8, 1


class Stopped(Exception):
    pass


def step(words):
    print(f"\n== {words}", flush=True)


def build_network(lab, arguments):
    lattice = Lattice(lab, arguments.program)
    chain = arguments.work / f"regtest-{arguments.blocks}.blk"
    step(f"A chain of {arguments.blocks} blocks of {BLOCK_BYTES // 1000} KB" + (", made before" if chain.exists() else " (lattice mkchain)"))
    lattice.make_chain(chain, arguments.blocks, BLOCK_BYTES, TXS, SEED)
    step("Four seed nodes, each with the whole chain (lattice import)")
    network = SeedNetwork(lattice, chain, count=4, operators=2)
    began = time.monotonic()
    network.fill()
    print(f"imported four times in {time.monotonic() - began:.1f} s")
    network.start()
    for host, identity in zip(network.hosts, network.identities):
        print(f"seed {host}:{network.port}  {identity}")
    step("A crawler that knows one of them walks to the others and writes a zone (lattice crawl)")
    zone = network.crawled_zone()
    step("A DNS server with that zone (Knot)")
    network.serve(zone)
    print(f"seeds.test at {network.knot.server}: A, SRV, and in TXT a list of {zone.count(' IN SRV ')} seeds signed by two operators")
    return network


def check(report, network, chain):
    """The whole claim: the seeds' tip, from several of them, found through one name."""
    tip = block_hashes(chain)[-1]
    if report["tip"] != tip:
        raise LabError(f"the fresh node ended at {report['height']} {report['tip']}, its seeds hold {tip}")
    if not any(answer["signed"] for answer in report["dns"]):
        raise LabError("the fresh node did not verify the signed seed list")
    seeds = {f"{host}:{network.port}" for host in network.hosts}
    peers = {peer["address"]: peer for peer in report["peers"] if peer["address"] in seeds}
    gave = [peer for peer in peers.values() if peer["blocks"] > 0]
    if len(gave) < 2:
        raise LabError(f"blocks came from {len(gave)} seeds only")
    listed = sum(peer["source"] == "dns_signed" for peer in peers.values())
    return f"{len(peers)} of 4 seeds as peers, {listed} of them by the signed list; blocks came from {len(gave)}"


def run(arguments):
    run_folder = arguments.work / "run"
    shutil.rmtree(run_folder, ignore_errors=True)
    run_folder.mkdir(parents=True)
    with Lab(run_folder) as lab:
        network = build_network(lab, arguments)
        step("A fresh node: an empty folder, and a chain spec with the name seeds.test (lattice node --until-synced)")
        began = time.monotonic()
        report = network.fresh("fresh", "--log-level", "warning", here=True).report(seconds_max=300)
        words = check(report, network, network.chain)
        print(f"\nThe fresh node has its seeds' tip after {time.monotonic() - began:.1f} s: {words}.", flush=True)
    shutil.rmtree(run_folder, ignore_errors=True)
    print("Everything that was started has been stopped.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--program", type=pathlib.Path, default=root / "build" / "lattice", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, default=root / "build" / "demo", help=argparse.SUPPRESS)
    parser.add_argument("--blocks", type=int, default=5000, help="blocks in the chain (5000)")
    arguments = parser.parse_args()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number, _frame):
        for other in signals:  # the way out is not left half-way
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    for number in signals:
        signal.signal(number, stop)
    try:
        run(arguments)
    except Stopped as stopped:
        print("\ndemo: stopped; so is everything that it had started", file=sys.stderr)
        return 128 + stopped.args[0]
    except LabError as error:
        print(f"\ndemo: {error}\n      The logs are in {arguments.work / 'run'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
