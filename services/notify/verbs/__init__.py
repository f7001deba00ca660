"""What notify does, one function each: tell, record, acknowledge, cancel, expire, answer."""
