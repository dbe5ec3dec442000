"""How fast the desk's three hottest pages are on a large retailer's data. `bench/README.md` says how to run it."""
