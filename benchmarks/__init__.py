"""What Easel must hold, measured. Not part of the tests: `make bench` runs it, on a machine left alone."""
