"""A layer by kernels that LLVM compiles for this processor.

From below: ``machine`` is the processor and its compiler, ``openmp`` the threads that make calls; ``emit`` writes the
code of vectors and loops, ``product`` that of matrix products, ``panels`` lays weights out for them. ``loops`` walks
over time, ``cells`` says what a step is. ``arguments`` is what a kernel is given, ``kernels`` compiles those of a cell,
and ``rows`` (a layer of a batch) and ``stack`` (layers over few sequences, without gradients) call them.
"""
