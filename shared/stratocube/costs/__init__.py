"""What a build uses of AWS, and what that costs: prices, quantities, the sizes of a stack's functions. Values only."""
