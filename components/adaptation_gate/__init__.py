"""Whether adapting a network to a domain was better than doing nothing."""
