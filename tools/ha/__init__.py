"""Three database machines, two server machines and a proxy in network namespaces, broken under load."""
