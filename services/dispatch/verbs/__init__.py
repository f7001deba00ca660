"""The acts of dispatch: each one function taking ``work``, called by routes, messages and timers alike."""
