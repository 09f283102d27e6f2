"""Data to train on: each task makes arrays from a seed or a file and knows nothing of cells."""
