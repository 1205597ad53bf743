"""What is a core: layers that read sequences, each by itself, whatever they are made of.

Every core takes inputs (B, T, I) padded at the end, lengths (B,) from 0 to T, and a state; it gives outputs (B, T, E)
that are zero beyond each length, and the state at each end. What lies in the padding has no influence, nor have batch
mates. The state is a tensor or a tuple of tensors whose second dimension is the batch, as ``initial_state`` gives them;
where a core reads forward only, a sequence in pieces, the state carried from one to the next, is as the sequence whole.
``directions`` are how many the outputs have side by side, of ``hidden_size`` each, the second from reading backward;
``kernel`` says in one line what computes.
"""

from rnncli.core.recurrent import Recurrent
from rnncli.core.transformer import Transformer

Core = Recurrent | Transformer
