"""From desired resources and live systems to a plan. Reads; never writes."""
