"""The HTTP face of dispatch: thin routes that check role and area, open a work, and call a verb."""
