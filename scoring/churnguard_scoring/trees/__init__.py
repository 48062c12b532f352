"""Tree ensembles: scores and exact Shapley values by table look-up, in numpy alone.

The idea, in four steps:

1. *Bins.* Trees only ask ``x < boundary``, so each value of a feature falls into one of few bins (``binning``).
2. *Packs.* Leaves are gathered into packs whose paths test at most eight conditions in all (``packs``). The answers to
   them, one bit each, are the pack's *pattern*, one byte.
3. *Tables.* For each pack and pattern the sum of the leaves reached, and every feature's Shapley value, is known
   before the first request (``tables``, ``shapley``).
4. *Look-up.* A bin fixes its feature's bits in all packs, so OR-ing one row of bytes per feature gives all patterns
   of a record at once; one gather and one sum give the score, one more the reasons (``program``).

No loop over trees or nodes is left at request time, and a batch does the same on blocks of rows.
"""

from churnguard_scoring.trees.compiled import CompiledTrees

__all__ = ["CompiledTrees"]
