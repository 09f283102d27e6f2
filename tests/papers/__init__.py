"""One step of cells as their papers write them, in plain NumPy: an independent witness.

Written from the papers alone, in their notation, by somebody who had not seen the cell files.
Every function takes its parameters ``p`` by the paper's names, then the inputs and the states of
one row, and gives its output and then its next states. Vectors are columns, so ``p.W @ x`` is the
paper's product. Nothing here knows of rnngraph.

Equations are cited by number where the paper numbers them and by section otherwise. All functions
are analytic in every argument, except where a paper is not (a rectifier, a maximum), so that a
complex step gives exact derivatives; those with complex numbers of their own say so.
"""
