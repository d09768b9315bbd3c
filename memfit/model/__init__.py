"""The physics: Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. Arrays in, arrays out."""
