#!/usr/bin/env python3
"""Operators of a seed hand their list on to other keys, and nodes remember it, and the newest list, over a restart."""

from case import NetCase, main
from netlab import SeedNetwork, block_hashes, wait_until


class Operators(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(50)
        self.network = SeedNetwork(self.lattice, self.file, count=1, operators=2)
        self.network.fill()
        self.network.start()
        self.new_key = self.lab.folder / "new.key"
        self.new_hash = self.lattice.make_operator(self.new_key)

    def statement(self, sequence, keys):
        """Operator 1 goes, the new one comes."""
        network = self.network
        words = ["seeds", "operators", "--chain", network.spec, "--sequence", sequence, "--threshold", 2,
                 "--operator", network.operators[0], "--operator", self.new_hash]
        for key in keys:
            words += ["--key", key]
        return self.lattice.run(*words).stdout.strip()

    def seed_list(self, keys, sequence):
        entries = [(self.network.identities[0], self.network.hosts[0], self.network.port)]
        return self.lattice.sign_seeds(self.network.spec, keys, entries, sequence=sequence)

    def refused(self, name, data, words):
        """A node that takes no list of this zone, and says why."""
        # Without stored addresses: only the seeds could lead it anywhere.
        (data / "peers" / "bitcoin-regtest").unlink(missing_ok=True)
        node = self.network.fresh(name, "--timeout", "30", data=data)
        wait_until(lambda: words in node.process.output(), 20, f"not said: {words}\n{node.process.last_words()}")
        node.process.stop()
        self.assertNotIn("peer_connected", node.process.output())

    def test_a_statement_is_followed_and_remembered(self):
        network, data = self.network, self.lab.folder / "fresh"
        old, new = network.keys, [network.keys[0], self.new_key]
        said = self.statement(10, [*network.keys, self.new_key])
        by_new = self.seed_list(new, 11)
        network.serve(network.zone(texts=[said, by_new]))
        report = network.fresh("fresh", data=data).report(30)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        self.assertEqual((report["dns"][0]["sequence"], report["dns"][0]["operators_from"]), (11, 10))
        # The tool says the same.
        (self.lab.folder / "statement.txt").write_text(said, encoding="ascii")
        (self.lab.folder / "list.txt").write_text(by_new, encoding="ascii")
        verify = ["seeds", "verify", self.lab.folder / "list.txt", "--chain", network.spec]
        self.lattice.run(*verify, code=1)
        self.assertIn("good", self.lattice.run(*verify, "--statement", self.lab.folder / "statement.txt").stdout)
        # After a restart the old keys do not come back, although nothing in the zone says that they went.
        network.knot.reload(network.zone(texts=[self.seed_list(old, 12)], serial=2))
        self.refused("old", data, "unknown_operator")

    def test_a_replayed_list_is_refused_after_a_restart(self):
        network, data = self.network, self.lab.folder / "fresh"
        older = self.seed_list(network.keys, 6)
        network.serve(network.zone(texts=[self.seed_list(network.keys, 7)]))
        network.fresh("fresh", data=data).report(30)
        stored = data / "seeds" / "bitcoin-regtest"
        self.assertTrue(stored.read_bytes().startswith(b"latseeds"))
        network.knot.reload(network.zone(texts=[older], serial=2))
        self.refused("replayed", data, "older than one seen")
        # Damage costs what was remembered, and is said; then the older list is as good as any.
        stored.write_bytes(stored.read_bytes()[:-1])
        node = network.fresh("damaged", data=data)
        self.assertEqual(node.report(30)["tip"], block_hashes(self.file)[-1])
        self.assertIn("stored_seeds_damaged", node.process.output())

    def test_too_few_signatures_change_nothing(self):
        network = self.network
        said = self.statement(10, [network.keys[0], self.new_key])
        network.serve(network.zone(texts=[said, self.seed_list([network.keys[0], self.new_key], 11)]))
        self.refused("fresh", self.lab.folder / "fresh", "unknown_operator")


if __name__ == "__main__":
    raise SystemExit(main())
