"""What the fleet questions cost, over a generated fleet. See ../README.md."""
