"Steps and transactions of processes that are killed or stopped: each effect is there exactly once"
import json,os,signal,time
from collections import Counter
from pathlib import Path

import pytest
from chaos import Chaos,work_and_be_killed
from helpers import manager_at,program,wait_until

points = 'effect','charged','put','written','before','inside','guard','commit','after','settle','settled'

class Effects(Chaos):
    "A chaos whose processes run jobs with effects"
    command = 'effects','work'

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

@pytest.fixture
def chaos():
    with Effects(1) as res: yield res

@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork on this system')
def test_killed_at_every_boundary(tmp_path):
    "At its first pass, of rows also at its second; a death before its first progress ends the job"
    proc = program('effects', tmp_path, 'die')
    out,err = proc.communicate(timeout=60)
    deaths = [json.loads(o) for o in out.splitlines()]
    assert proc.returncode==0 and len(deaths)==44, err[-2000:]
    for o in deaths:
        manager = manager_at(o['path'])
        job, = manager.list_jobs()
        there = Counter(n for n, in manager.store.read('SELECT n FROM effects'))
        charged = len(Path(o['path']+'.log').read_text().splitlines())
        where = o['kind'],o['point'],o['died'],job.status,dict(there)
        assert job.status in ('completed','failed') and not manager.rescue(), where
        assert set(there.values())<={1} and sorted(there)==list(range(len(there))), where
        if job.status=='completed': assert len(there)==3 and job.retry_count==0, where
        else: assert o['died']==-9 and not there and job.deaths==0 and not manager.steps_of(job.id), where
        if o['kind']=='rows': assert charged==(0 if o['point']=='effect' and o['died'] else 1), where
        free = o['kind']!='at_once' and o['point']!='settled'
        if o['died'] and job.status=='completed': assert job.deaths==free, where
    killed = Counter((o['kind'], o['died']) for o in deaths)
    assert (killed['rows', -9], killed['arows', -9], killed['at_once', -9])==(18, 9, 4)

@pytest.mark.parametrize('point', ['before', 'inside'])
def test_stopped_past_its_lease(chaos, point):
    """Before its transaction: another process takes over, and the first one, which begins it then, commits nothing.
    Inside: it has the write lock, so it can't lose the job; it wakes up, commits, and goes on."""
    chaos.submit_jobs(1, 5)
    manager = chaos.manager('t0')
    manager.store.write(lambda conn: list(conn.execute("DELETE FROM tenant_jobs WHERE job_type<>'rows'")))
    first = chaos.worker(point, 1, SIGNAL=int(signal.SIGSTOP), LEASE=.6)
    def stopped(): return Path(f'/proc/{first.pid}/stat').read_text().rpartition(')')[2].split()[0]=='T'
    wait_until(stopped)
    chaos.worker(LEASE=.6)
    if point=='before': chaos.until(chaos.finished)
    else:
        time.sleep(2.5) # Long enough for a takeover, were it possible
        assert chaos.stats()['running']==1 and not chaos.rows('t0')
    first.send_signal(signal.SIGCONT)
    if point=='before': chaos.until(lambda: 'was taken over by another process' in chaos.log())
    chaos.until(chaos.finished)
    figures,wrong = check(chaos)
    job, = manager.list_jobs()
    assert not wrong and figures['effects']==5 and job.retry_count==0
    assert job.deaths==(1 if point=='before' else 0)

@pytest.mark.slow
def test_many_effects_over_many_kills():
    "Submit, work and be killed, until all is done"
    with Effects(2, seed=1) as chaos:
        chaos.submit_jobs(3, 40)
        work_and_be_killed(chaos, 2, 60, points, .1)
        figures,wrong = check(chaos)
    assert not wrong and figures['effects']==2*3*3*40 and figures['kills']>=2
