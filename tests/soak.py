"Run crash rounds with one seed after the other until the time is up: a line for each; exit with 1 if any was wrong"
import sys,time
from argparse import ArgumentParser
from collections import Counter

from chaos import crash_round

def main(minutes, seed, **kw):
    "Run rounds until the time is up: what was wrong"
    total,wrong,end = Counter(),[],time.monotonic()+minutes*60
    while time.monotonic()<end:
        start = time.monotonic()
        figures,bad = crash_round(seed, **kw)
        said = '  '.join(f'{figures[o]} {o}' for o in ('accepted', 'executions', 'kills'))
        print(f'seed {seed:4}  {time.monotonic()-start:5.1f} s  {said}  {len(bad)} wrong', flush=True)
        total.update(figures, rounds=1)
        wrong += [f'seed {seed}: {o}' for o in bad]
        seed += 1
    print('', *[f'{k:14}{v:8}' for k,v in total.items()], *wrong, sep='\n')
    return wrong

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=float, default=10, help='how long (10)')
    for name,default,what in [('seed', 1000, 'the first seed'), ('jobs', 600, 'jobs a round'),
        ('workers', 3, 'worker processes at a time'), ('tenants', 4, 'tenants'),
        ('files', 0, 'files that a worker may open; 0 is as many as the system allows')]:
        parser.add_argument(f'--{name}', type=int, default=default, help=f'{what} ({default})')
    sys.exit(bool(main(**vars(parser.parse_args()))))
