#!/usr/bin/env python3
"""A miner beside a node: what it appends to a file is at the next node within seconds, and a bad block harms nobody."""

import pathlib

from case import NetCase, main

from netlab import REGTEST, block_hashes, chain_spec, free_port, wait_until


def split(file):
    """The blk file's records, each with its head."""
    data, out = pathlib.Path(file).read_bytes(), []
    while data:
        size = 8 + int.from_bytes(data[4:8], "little")
        out.append(data[:size])
        data = data[size:]
    return out


class Follow(NetCase):
    def setUp(self):
        super().setUp()
        self.chain_file = self.chain(12, 2000)
        self.records, self.hashes = split(self.chain_file), block_hashes(self.chain_file)
        self.mined = self.lab.folder / "mined.blk"
        self.port = free_port("127.0.0.2", "127.0.0.3")
        self.spec = self.lab.folder / "chain.toml"
        self.spec.write_text(chain_spec(REGTEST, self.port), encoding="utf-8")

    def append(self, data):
        with open(self.mined, "ab") as file:
            file.write(data)

    def start(self):
        self.miner = self.lattice.node("miner", self.spec, self.lab.folder / "a", "--connect-only", "--follow", self.mined,
                                       "--log-level", "debug", listen=("127.0.0.2", self.port))
        self.other = self.lattice.node("other", self.spec, self.lab.folder / "b", "--connect-only", f"127.0.0.2:{self.port}",
                                       "--log-level", "debug", listen=("127.0.0.3", self.port))
        wait_until(lambda: "synced" in self.other.process.output(), 20, "the nodes sync")

    def wait_tip(self, node, number, seconds=15):
        word = f"hash={bytes.fromhex(self.hashes[number])[::-1].hex()}"
        wait_until(lambda: f"tip_changed height={number} {word}" in node.process.output(), seconds, f"block {number} at {node.process.name}")

    def test_appended_blocks_reach_the_other_node(self):
        self.append(b"".join(self.records[:4]))  # the genesis and three blocks were there before the node
        self.start()
        self.wait_tip(self.other, 3)
        for number in range(4, 9):
            self.append(self.records[number][:50])  # written in two pieces
            self.append(self.records[number][50:])
            self.wait_tip(self.other, number)
        self.append(b"".join(self.records[9:]))
        self.wait_tip(self.other, 12)
        self.assertEqual(self.miner.process.stop(), 0)
        # A later start reads the file anew and finds that it has everything.
        again = self.lattice.node("again", self.spec, self.lab.folder / "a", "--connect-only", "--follow", self.mined, "--log-level", "debug",
                                  listen=("127.0.0.2", self.port))
        wait_until(lambda: "height=12" in again.process.output(), 15, "the chain is read back")
        self.assertNotIn("refused", again.process.output())

    def test_a_bad_block_is_refused_and_blames_nobody(self):
        self.start()
        self.append(self.records[1])
        self.wait_tip(self.other, 1)
        bad = bytearray(self.records[2])
        bad[-1] ^= 1  # the last transaction's: another Merkle root
        self.append(bytes(bad))
        wait_until(lambda: "local_block_refused" in self.miner.process.output(), 15, "the bad block is refused")
        self.append(self.records[2] + self.records[3])
        self.wait_tip(self.other, 3)
        for node in (self.miner, self.other):
            self.assertNotIn("peer_left", node.process.output())

    def test_what_is_no_block_file_ends_the_following_and_not_the_node(self):
        self.start()
        self.append(self.records[1] + b"this is no block")
        self.wait_tip(self.other, 1)
        wait_until(lambda: "follow_stopped" in self.miner.process.output(), 15, "the following ends")
        self.assertTrue(self.miner.process.running())
        self.assertEqual(self.miner.process.stop(), 0)


if __name__ == "__main__":
    raise SystemExit(main())
