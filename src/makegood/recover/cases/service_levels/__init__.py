"""Service levels: how long the clocks of a case may run, in whose business hours, and what happens then."""
