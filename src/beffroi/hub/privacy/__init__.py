"""The keeping of personal data: who reads how much, what leaves, what ends, and its proof."""
