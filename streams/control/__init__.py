"""The control plane: what masters of parties, contracts, products and orders tell, as reference.

A notification of a master system (`party.v1`, `agreement.v1`, ...) is read into *changes*
(`reading`), changes are kept on `reference.v1`, all changes of one thing are its history
(`state/entities.py`), and out of the histories of all things come the partners, agreements and keys
that usage is settled by (`deriving`). Each step is a pure function, and none depends on the order
in which notifications came.
"""
