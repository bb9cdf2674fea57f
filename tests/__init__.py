"""A package, because some distribution in site-packages installs a ``tests`` of its own."""
