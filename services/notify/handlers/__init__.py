"""What notify does when it hears of something: keep what it must know, then tell whom the rules name."""
