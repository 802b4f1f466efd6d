"""Playing trained teams and measuring them."""
