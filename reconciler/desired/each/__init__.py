"""`each`: targets made of a template, one of each row of a file, of a query's answer, or of what a command prints.

Decided: docs/decisions.md#targets-of-templates
"""
