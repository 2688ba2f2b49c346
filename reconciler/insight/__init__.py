"""What a server shows of its tables, indexes and queries, for whoever gives advice or suggests something.

It knows no kind and no resource: it takes names, statements and candidates, and returns typed facts. What is to be said
of them, and in which words, is for those who ask.

Decided: docs/decisions.md#insight
"""
