"""Which queries would gain from an index, or lose one: PostgreSQL's own planner asked by way of HypoPG."""
