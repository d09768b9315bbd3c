"""memfit's model in the forms of other libraries: lmfit and impedance.py."""
