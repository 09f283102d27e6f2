"""Compiled programs, arrays in and out, initial values."""
