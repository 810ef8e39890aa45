"""What the registry says of each net, by the kind of data that it is made for."""
