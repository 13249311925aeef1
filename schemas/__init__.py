"""What is said on the wire and in files: usage, topics, codes, money and reference data."""
