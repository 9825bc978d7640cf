"Effects under kills: jobs write rows to a table while their processes are killed; each row must be there exactly once"
from collections import Counter

from chaos import Chaos,work_and_be_killed

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
    wrong,figures = [],Counter(kills=len(chaos.kills))
    charged = Counter(job for job,_ in chaos.lines('charges'))
    for name in chaos.names:
        manager,there = chaos.manager(name),chaos.rows(name)
        jobs = {o.id:o for o in manager.list_jobs(limit=100_000)}
        figures['effects'] += sum(there.values())
        wrong += [f'{job}: effect {n} is there {k} times' for (job,n),k in there.items() if k!=1]
        for o in jobs.values():
            missing = set(range(o.kwargs['n']))-{n for job,n in there if job==o.id}
            if o.status!='completed' or missing: wrong.append(f'{o.id} is {o.status}, effects {missing} are missing')
            if o.job_type=='rows' and not 1<=charged[o.id]<=1+o.deaths+o.retry_count:
                wrong.append(f'{o.id} was charged {charged[o.id]} times')
        wrong += [f'{name}: {o}' for o, in manager.store.read('PRAGMA integrity_check') if o!='ok']
    return figures,wrong

def effects_round(seed, tenants, jobs, effects, chance):
    "Submit, work and be killed: figures, and a list of what is wrong"
    with Effects(tenants, seed) as chaos:
        chaos.submit_jobs(jobs, effects)
        work_and_be_killed(chaos, 2, 60, points, chance)
        return check(chaos)
