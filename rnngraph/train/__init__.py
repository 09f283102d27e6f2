"""The small trainer: language models of any cell, trained with exact gradients through time."""
