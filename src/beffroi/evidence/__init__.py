"""The append-only log: entries, Merkle tree, checkpoints, proofs. Pure: no files, no
network, no clock."""
