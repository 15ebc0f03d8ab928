"""The passes, in their order: each a function from a graph to a graph, or to what comes of it.

graph = lower(outputs, events, …)     the Values that a function made, as ops with ids
graph = differentiate(graph, used)    the ops of the gradients, added to it
graph = fold(graph)                   chains of additions as sums of products
graph = pad(graph)                    reductions of different lengths made alike
graph = split(graph)                  long sums of several kinds in parts
schedule = group(graph)               ops that can be done together, as arrays of ids
schedule = matmuls(schedule)          matrix products among them
layout(schedule)                      an offset in one buffer for each value
"""
