"""Settings of a cluster's nodes, held against one another, and their restarts."""
