"""Reading e-mail: bytes in, what was said out. Pure: knows neither settings nor database."""
