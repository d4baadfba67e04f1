"""What layers of the forks become, by groups; each file registers its emitters."""
