"""Backends: spell what a schedule has decided."""
