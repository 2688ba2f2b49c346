"""Sessions to live systems. Drivers are imported here and in kinds, nowhere else."""
