"""What people are told of a plan, of drift, of a checklist and of a receipt: rows and sentences, each worded once.

A view lays rows out and words nothing: which hazards are shown and how many, what is counted, what stands beside an
address and what is hidden is decided here, so that one more format is one more layout.

Sentences are harmless to print (`characters.py`): one line, nothing in it that cannot be seen. What a row holds as a
typed value (an address, the name of a target, a step) is as the model has it, and each view makes it visible.

Decided: docs/decisions.md#rows-and-layout
"""
