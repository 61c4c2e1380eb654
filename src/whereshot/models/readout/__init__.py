"""Readouts: each turns the outputs of a network into a Posterior."""
