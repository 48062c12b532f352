"""What runs: the queue, what is known of the cluster, and the workers that bring it to what is wanted."""
