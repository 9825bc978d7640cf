"""Effects under kills: jobs write rows to a table while their processes are killed, and each row must be there exactly once.

`python tests/effects.py --minutes 5` prints the figures; it exits with 1 if anything is wrong.
"""
import sys,time
from argparse import ArgumentParser
from collections import Counter

from chaos import Chaos

points = 'effect','charged','put','written','before','inside','guard','commit','after','settle','settled'

class Effects(Chaos):
    "A chaos whose processes run jobs with effects"
    def worker(self, kill_point='', chance=0, **env):
        "Start a worker, and wait until it is up"
        proc = self.start('effects', 'work', KILL_POINT=kill_point, CHANCE=chance, **env)
        proc.kill_point = kill_point
        proc.stdout.readline()
        return proc

    def submit_jobs(self, jobs, effects):
        "Of each kind so many jobs in each tenant, with so many effects each"
        for o in self.names: assert self.start('effects', 'submit', o, jobs, effects).wait(60)==0

    def rows(self, name):
        "How often each effect of each job is there"
        return Counter(self.manager(name).store.read('SELECT job, n FROM effects'))

def check(chaos):
    "Figures, and a list of what is wrong"
    wrong,figures = [],Counter(kills=len(chaos.kills), **Counter(f'at {o}' for o in chaos.kills.values()))
    charged = Counter(job for job,_ in chaos.lines('charges'))
    for name in chaos.names:
        manager,there = chaos.manager(name),chaos.rows(name)
        jobs = {o.id:o for o in manager.list_jobs(limit=100_000)}
        figures.update(jobs=len(jobs), effects=sum(there.values()), deaths=sum(o.deaths+o.retry_count for o in jobs.values()))
        wrong += [f'{job}: effect {n} is there {k} times' for (job,n),k in there.items() if k!=1]
        for o in jobs.values():
            missing = set(range(o.kwargs['n']))-{n for job,n in there if job==o.id}
            if o.status!='completed' or missing: wrong.append(f'{o.id} ({o.job_type}) is {o.status}, {len(missing)} effects are missing')
            if o.job_type!='rows': continue
            figures['charges'] += charged[o.id]
            if not 1<=charged[o.id]<=1+o.deaths+o.retry_count: wrong.append(f'{o.id} was charged {charged[o.id]} times')
        wrong += [f'{name}: {o}' for o, in manager.store.read('PRAGMA integrity_check') if o!='ok']
    return figures,wrong

def work(chaos, workers=2, chance=.01, timeout=60):
    "Keep workers running, which kill themselves or are killed at random, until all is done"
    rnd,alive,end = chaos.rnd,[],time.monotonic()+timeout
    next_kill = time.monotonic()+.5
    while not chaos.finished() and time.monotonic()<end:
        for o in [o for o in alive if o.poll() is not None]:
            chaos.reap(o, o.kill_point)
            alive.remove(o)
        while len(alive)<workers: alive.append(chaos.worker(rnd.choice(points), chance))
        if time.monotonic()>next_kill:
            chaos.kill(alive.pop(rnd.randrange(len(alive))))
            next_kill = time.monotonic()+rnd.uniform(.3, 1)
        time.sleep(.02)
    for o in alive: chaos.kill(o)

def effects_round(seed=0, tenants=2, jobs=3, effects=40, timeout=60, **kw):
    "Submit, work and be killed: figures, and a list of what is wrong"
    with Effects(tenants, seed) as chaos:
        chaos.submit_jobs(jobs, effects)
        work(chaos, timeout=timeout, **kw)
        return check(chaos)

if __name__=='__main__':
    parser = ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--minutes', type=float, default=5, help='at most how long (5)')
    parser.add_argument('--seed', type=int, default=0, help='which processes are killed when (0)')
    parser.add_argument('--jobs', type=int, default=20, help='jobs of each kind in each of four tenants (20)')
    parser.add_argument('--effects', type=int, default=170, help='effects of a job (170)')
    args = parser.parse_args()
    figures,wrong = effects_round(args.seed, 4, args.jobs, args.effects, args.minutes*60, chance=.03)
    for k,v in figures.items(): print(f'{k:14}{v:8}')
    for o in wrong[:50]: print(o)
    print(f"{'wrong':14}{len(wrong):8}")
    sys.exit(1 if wrong else 0)
