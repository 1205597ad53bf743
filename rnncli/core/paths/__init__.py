"""Ways to compute a layer by torch, and which way is taken.

- ``torch_kernels``: torch's own kernels for whole sequences over a padded batch: cuDNN, oneDNN.
- ``torch_rows``: over packed rows by the loops of ``torch_loops``, wherever there are neither those nor compiled ones.
- ``cuda_graphs``: the same loops over equal lengths on an accelerator, captured as graphs.
- ``torch_step``: a single step without gradients, for streams.
- ``choice``: which of these, of oneDNN and of ``rnncli.core.native`` a CPU takes, and how threads divide the work.
"""
