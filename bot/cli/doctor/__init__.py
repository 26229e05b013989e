"""`easel doctor`: looks whether everything is in place, and says of whatever is not what to do.

Each check is a function from facts to findings. `examine` gathers the facts.
"""
