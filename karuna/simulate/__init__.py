"""Things of the outside world, played: LINE, an SMS centre, an SMS gateway, people."""
