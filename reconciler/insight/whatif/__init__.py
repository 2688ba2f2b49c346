"""What queries would gain from an index, or lose without one: the planner asked, by way of HypoPG."""
