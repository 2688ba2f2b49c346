"""The steps that bring an index to its declaration, and what a reviewer has to know of them."""
