#!/usr/bin/env python3
"""Mainnet's own blocks between real processes: the first 256, and four recent ones from a trusted header on."""

import os
import pathlib

from case import NetCase, main
from netlab import MAINNET_PART, SeedNetwork, block_hashes

# The parent of block 831328; all of them lie in one retarget period, so its bits are theirs.
TRUSTED_HEIGHT = 831327


class RealBlocks(NetCase):
    def data(self, name):
        folder = os.environ.get("LATTICE_DATA")
        file = pathlib.Path(folder or ".") / "bitcoin" / name
        if not folder or not file.is_file():
            self.skipTest(f"mainnet's blocks are not here: LATTICE_DATA names the folder that holds bitcoin/{name}")
        return file

    def sync(self, chain, height, tail=""):
        network = SeedNetwork(self.lattice, chain, count=3, head=MAINNET_PART, tail=tail)
        network.fill()
        network.start()
        network.serve(network.zone(addresses=[0], services=[1, 2]))
        report = network.fresh().report(120)
        self.assertEqual(report["height"], height)
        self.assertEqual(report["tip"], block_hashes(chain)[-1])

    def test_the_first_256(self):
        self.sync(self.data("blocks-0-255.dat"), 255)

    def test_four_recent_blocks_from_a_trusted_header(self):
        chain = self.data("blocks-831328-831331.dat")
        with open(chain, "rb") as blocks:
            header = blocks.read(88)[8:]
        parent, bits = header[4:36][::-1].hex(), header[72:76][::-1].hex()
        tail = f'\n[trusted_header]\nheight = {TRUSTED_HEIGHT}\nhash = "{parent}"\nbits = 0x{bits}\n'
        self.sync(chain, TRUSTED_HEIGHT + 4, tail)


if __name__ == "__main__":
    raise SystemExit(main())
