"""`easel doctor`: checks that everything is in place, and says what to do about what is not.

Each check is a function from facts to findings. `examine` gathers the facts.
"""
