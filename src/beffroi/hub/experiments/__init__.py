"""Experiments: promised before they begin, measured after, published good or bad."""
