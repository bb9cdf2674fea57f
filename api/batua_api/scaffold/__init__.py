"""What ``batua new-gateway`` writes: a package with a gateway, its simulator and its first test."""
