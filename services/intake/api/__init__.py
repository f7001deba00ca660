"""The HTTP face of intake: thin routes that check role and area, open a work, and call a verb."""
