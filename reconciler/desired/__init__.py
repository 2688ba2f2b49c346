"""From YAML under a folder to targets and resources. The only place that reads YAML."""
