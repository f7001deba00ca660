"""The HTTP face of the registry: thin routes that pass the gate, write the audit row, and call a verb."""
