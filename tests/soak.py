"""Run crash rounds with one seed after the other until the time is up.

`python tests/soak.py --minutes 10` prints a line for each round and the sum at the end. It exits with 1 if anything was wrong.
"""
import sys,time
from argparse import ArgumentParser
from collections import Counter

from chaos import crash_round

def one_round(seed, **kw):
    "Run a round and print its line: figures, and a list of what is wrong"
    start = time.monotonic()
    figures,wrong = crash_round(seed, **kw)
    took = f"seed {seed:4}  {time.monotonic()-start:5.1f} s"
    print(f"{took}  {figures['accepted']} accepted  {figures['executions']} executions  {figures['kills']} kills  {len(wrong)} wrong", flush=True)
    return figures,[f'seed {seed}: {o}' for o in wrong]

def main(minutes, seed, **kw):
    "Run rounds until the time is up: True if nothing was wrong"
    total,wrong,end,first = Counter(),[],time.monotonic()+minutes*60,seed
    while time.monotonic()<end:
        figures,bad = one_round(seed, **kw)
        total.update(figures)
        wrong += bad
        seed += 1
    print(f'\n{seed-first} rounds')
    for k,v in total.items(): print(f'{k:14}{v:8}')
    for o in wrong: print(o)
    print(f"{'wrong':14}{len(wrong):8}")
    return not wrong

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--minutes', type=float, default=10, help='how long (10)')
    parser.add_argument('--seed', type=int, default=1000, help='the first seed (1000)')
    parser.add_argument('--jobs', type=int, default=600, help='jobs a round (600)')
    parser.add_argument('--workers', type=int, default=3, help='worker processes at a time (3)')
    parser.add_argument('--tenants', type=int, default=4, help='tenants (4)')
    parser.add_argument('--files', type=int, default=0, help='files that a worker may open (as many as the system allows)')
    sys.exit(0 if main(**vars(parser.parse_args())) else 1)
