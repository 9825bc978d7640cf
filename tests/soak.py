"""Rounds of the crash harness with one seed after the other, until the time is up.

`python tests/soak.py --minutes 10` prints a line a round and the sum at the end; it exits with 1 if anything was as it shouldn't be.
"""
import sys,time
from argparse import ArgumentParser
from collections import Counter

from crash import crash_round

def main(minutes, seed, jobs, workers):
    "Run rounds until the time is up: True if nothing was as it shouldn't be"
    total,wrong,end,n = Counter(),[],time.monotonic()+minutes*60,0
    while time.monotonic()<end:
        start = time.monotonic()
        figures,bad = crash_round(seed+n, jobs, workers)
        total.update(figures)
        wrong += [f'seed {seed+n}: {o}' for o in bad]
        n += 1
        print(f"seed {seed+n-1:4}  {time.monotonic()-start:5.1f} s  {figures['accepted']} accepted  {figures['executions']} executions  "
            f"{figures['kills']} kills  {len(bad)} wrong", flush=True)
    print(f'\n{n} rounds')
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
    args = parser.parse_args()
    sys.exit(0 if main(args.minutes, args.seed, args.jobs, args.workers) else 1)
