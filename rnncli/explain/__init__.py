"""What a prediction hangs on, and whether that can be believed.

- ``attribution``: amounts for the pieces of an example, by gradient times input, integrated gradients or occlusion.
- ``deletion``: whether the prediction falls when those pieces are deleted, more than with random ones.
- ``choice``: the method that wins that test.
- ``summary``: which pieces speak for each label, over many examples.
- ``answer``: all of it as plain values.
"""
