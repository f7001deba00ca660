"""What is decided here without any I/O: who is told, when, in which words, and what follows an outcome."""
