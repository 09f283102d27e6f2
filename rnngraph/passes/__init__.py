"""Passes: each takes a graph and gives a new one; no pass knows another."""
