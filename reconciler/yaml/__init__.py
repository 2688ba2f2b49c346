"""YAML as text: read with the places where everything is written, its problems explained, and written."""
