"""What every provider's simulator is made of: books on disk, webhooks, faults and pages."""
