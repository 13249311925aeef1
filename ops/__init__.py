"""What keeps it running: the command line, workers, checks, the oracle and the benchmark."""
