"""A bench of codecs for each test."""

from tests.adapters.codecs.kit import bench as bench
