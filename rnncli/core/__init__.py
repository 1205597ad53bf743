"""The recurrent layers that every task shares.

``cells`` holds the equations, one step each, and ``reference`` whole sequences by them, slow and plain. ``recurrent``
is the module that models are built of; it gives exactly what the reference gives, faster. How:

- ``layout``: how a batch lies in memory: ``packed`` in rows without padding or ``padded`` step after step; ``buffers``
  lends the memory.
- ``layer``: what is asked of a path: one layer in all its directions, forward and back, one node of autograd's graph.
- ``paths``: the ways of torch to compute one, and ``paths.choice``, which of all is taken on a CPU.
- ``native``: the way by kernels compiled for this processor.

Beside them: ``dropout``; ``reach``, how far back gradients arrive; ``device``, where to compute and in which precision.
"""
