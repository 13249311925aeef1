"""The seeded benchmark: its workload, its stations and the figures it prints."""
