"""The whole bot in one process under a virtual clock, with faults drawn from a seed."""
