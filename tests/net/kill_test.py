#!/usr/bin/env python3
"""kill -9 of the fresh node at ten random moments: it continues from what it had, and ends at the same tip."""

import os
import random
import shutil
import time

from case import NetCase, main
from netlab import SeedNetwork, block_hashes

KILLS = 10


class Kill(NetCase):
    def test_ten_random_moments(self):
        seed = int(os.environ.get("LATTICE_SEED") or random.randrange(2**32))
        print(f"LATTICE_SEED={seed}", flush=True)
        rng = random.Random(seed)
        chain = self.chain(3000, 10_000, 8)
        network = SeedNetwork(self.lattice, chain, count=2)
        network.fill()
        network.start()
        network.serve(network.zone(addresses=[0], services=[1]))
        data = self.lab.folder / "fresh"
        killed = 0
        while killed < KILLS:
            node = network.fresh(f"fresh{killed}", data=data)
            time.sleep(rng.uniform(0.02, 0.6))
            if node.process.running():
                node.process.kill()
                killed += 1
            else:  # it was done before: from zero again
                self.assertEqual(node.report(1)["height"], 3000, f"LATTICE_SEED={seed}")
                shutil.rmtree(data)
        report = network.fresh("fresh", data=data).report(120)
        self.assertEqual((report["height"], report["tip"]), (3000, block_hashes(chain)[-1]), f"LATTICE_SEED={seed}")
        # And what is on disk now is the whole chain: a node that opens it has nothing to ask for.
        again = network.fresh("again", data=data).report(60)
        self.assertEqual((again["height"], again["tip"]), (report["height"], report["tip"]), f"LATTICE_SEED={seed}")
        self.assertEqual(again["blocks"], 0, f"LATTICE_SEED={seed}")


if __name__ == "__main__":
    raise SystemExit(main())
