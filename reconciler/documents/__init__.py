"""Files that the tool writes and reads again: plans and receipts. Each is read strictly, and written whole or not at
all."""
