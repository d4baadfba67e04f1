"""A log of Caffe's and what its tools/extra/parse_log.py makes of it."""

LOG = """\
I1231 23:59:50.250000  77 caffe.cpp:197] Use CPU.
I1231 23:59:51.000000  77 solver.cpp:45] Initializing solver from parameters: 
base_lr: 0.01
I1231 23:59:52.500000  77 solver.cpp:273] Solving small
I1231 23:59:52.500100  77 solver.cpp:274] Learning Rate Policy: step
I1231 23:59:53.000000  77 solver.cpp:331] Iteration 0, Testing net (#0)
I1231 23:59:54.000000  77 solver.cpp:398]     Test net output #0: accuracy = 0.125
I1231 23:59:54.000010  77 solver.cpp:398]     Test net output #1: loss = 2.5 (* 1 = 2.5 loss)
I1231 23:59:55.000000  77 solver.cpp:219] Iteration 0 (0 iter/s, 0.5s/10 iters), loss = 2.25
I1231 23:59:55.000010  77 solver.cpp:238]     Train net output #0: loss = 2 (* 1 = 2 loss)
I1231 23:59:55.000020  77 sgd_solver.cpp:105] Iteration 0, lr = 0.01
a line of another program
W1231 23:59:56.000000  77 blocking_queue.cpp:49] Waiting for data
I0101 00:00:05.000000  77 solver.cpp:219] Iteration 10 (1 iter/s, 10s/10 iters), loss = 1.5
I0101 00:00:05.000010  77 solver.cpp:238]     Train net output #0: loss = 1e-05 (* 1 = 1e-05 loss)
I0101 00:00:05.000020  77 sgd_solver.cpp:105] Iteration 10, lr = 0.005
I0101 00:00:15.000000  77 solver.cpp:331] Iteration 20, Testing net (#0)
I0101 00:00:16.000000  77 solver.cpp:398]     Test net output #0: accuracy = 0.75
I0101 00:00:16.000010  77 solver.cpp:398]     Test net output #1: loss = 0.5 (* 1 = 0.5 loss)
I0101 00:00:17.000000  77 solver.cpp:219] Iteration 20 (1 iter/s, 10s/10 iters), loss = nan
I0101 00:00:17.000010  77 solver.cpp:238]     Train net output #0: loss = nan (* 1 = nan loss)
I0101 00:00:17.000020  77 sgd_solver.cpp:105] Iteration 20, lr = 0.0025
I0101 00:00:25.000000  77 solver.cpp:317] Iteration 30, loss = 0.25
"""

# The first rate is that of the second row.
TRAIN = """\
NumIters,Seconds,LearningRate,loss
0.0,2.50001,0.01,2.0
10.0,12.50001,0.01,1e-05
"""
TEST = """\
NumIters,Seconds,LearningRate,accuracy,loss
0.0,1.5,0.005,0.125,2.5
20.0,23.5,0.005,0.75,0.5
"""
