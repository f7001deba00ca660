"""What can be done to a call: one function each, called by routes, by the topic and by handlers of events."""
