"The crash harness: worker processes killed at every seam and at random, a ledger of what they did, and the comparison of the books"
import os,random,signal,subprocess,sys,tempfile,time
from collections import Counter,defaultdict
from pathlib import Path

from helpers import open_db

from tenant_tasks import Tenants

here = Path(__file__).parent
seams = 'claim', 'task', 'settle', 'settled', 'rescue', 'random'

tasks = '''
import asyncio,os,random,sys,time
from tenant_tasks import current_job,task
ledger = os.open(os.environ['LEDGER'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
seam,chance = os.environ.get('SEAM', ''),float(os.environ.get('CHANCE', 0))
def maybe_die(where):
    if seam==where and random.random()<chance: os.kill(os.getpid(), 9)
def note(event):
    job = current_job().job
    os.write(ledger, f'{event} {job.id} {job.claim} {os.getpid()} {time.monotonic():.6f}\\n'.encode())
    os.fsync(ledger)
@task(backoff=lambda n: .01)
def work(n, secs=.01):
    note('begin')
    time.sleep(secs/2)
    maybe_die('task')
    time.sleep(secs/2)
    note('end')
    return n
@task(backoff=lambda n: .01)
async def awork(n, secs=.01):
    note('begin')
    await asyncio.sleep(secs/2)
    maybe_die('task')
    await asyncio.sleep(secs/2)
    note('end')
    return n
@task(backoff=lambda n: .01)
def flaky(n):
    note('begin')
    if random.random()<.3:
        note('fail')
        raise ValueError(n)
    note('end')
@task
def poison(n):
    note('begin')
    os.kill(os.getpid(), 9)
def unregistered(n): time.sleep(60)
'''

worker = '''
import asyncio,logging,os,sys,threading
from tasks import *
import tenant_tasks.store,tenant_tasks.manager
from tenant_tasks import BackgroundTaskManager,JobStore,Worker
def before(cls, name, where, when=lambda *a: True):
    old = getattr(cls, name)
    def new(self, *args, **kw):
        if when(*args): maybe_die(where)
        res = old(self, *args, **kw)
        if when(*args): maybe_die(where+'d')
        return res
    setattr(cls, name, new)
for o in ('_call', '_await'): before(BackgroundTaskManager, o, 'claim')
before(JobStore, 'settle', 'settle', lambda job, move, *a: move!='rescue')
before(JobStore, 'settle', 'rescue', lambda job, move, *a: move=='rescue')
if 'LEASE' in os.environ:
    from datetime import timedelta
    tenant_tasks.store.lease = tenant_tasks.manager.lease = timedelta(seconds=float(os.environ['LEASE']))
logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')
print('up', flush=True)
Worker(sys.argv[1], concurrency=int(os.environ.get('PLACES', 6)), look_every=.05, grace=float(os.environ.get('GRACE', 5))).main()
'''

submitter = '''
import os,sys,time
from tasks import *
from tenant_tasks import Tenants
folder,tenant,n,kind,secs,attempts = sys.argv[1:]
manager = Tenants(folder)[tenant]
accepted = os.open(os.environ['ACCEPTED'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
for i in range(int(n)):
    func = dict(work=work, awork=awork, flaky=flaky, poison=poison, unregistered=unregistered)[kind]
    kw = dict(secs=float(secs)) if kind in ('work', 'awork') else {}
    job_id,_ = manager.submit(kind, func, int(attempts), n=i, **kw)
    os.write(accepted, f'{tenant} {job_id}\\n'.encode())
    os.fsync(accepted)
if os.environ.get('THEN')=='die': os.kill(os.getpid(), 9)
if os.environ.get('THEN')=='stay': time.sleep(600)
'''

class Arena:
    "A directory of tenants, the processes that work on it, and their books"
    def __init__(self, tenants=4, seed=0):
        self.tmp = tempfile.TemporaryDirectory(prefix='tenant_tasks_crash')
        self.dir,self.rnd,self.procs,self.kills,self.logs = Path(self.tmp.name),random.Random(seed),{},{},[]
        for k,v in dict(tasks=tasks, worker=worker, submitter=submitter).items(): (self.dir/f'{k}.py').write_text(v)
        (self.dir/'data').mkdir()
        self.names = [f't{i}' for i in range(tenants)]
        for o in self.names: open_db(self.dir/'data'/f'{o}.db')
        self.tenants = Tenants(self.dir/'data')

    def start(self, script, *args, **env):
        "A process of its own, with the ledgers in its environment"
        env = dict(os.environ, LEDGER=str(self.dir/'ledger'), ACCEPTED=str(self.dir/'accepted'), **{k:str(v) for k,v in env.items()})
        log = open(self.dir/f'log{len(self.logs)}', 'w+')
        self.logs.append(log)
        cmd = [sys.executable, f'{script}.py', *map(str, args)]
        proc = subprocess.Popen(cmd, cwd=self.dir, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        self.procs[proc.pid] = proc
        return proc

    def worker(self, seam='', chance=0, **env):
        "A worker process, up and running"
        proc = self.start('worker', 'data', SEAM=seam, CHANCE=chance, **env)
        proc.seam = seam
        proc.stdout.readline()
        return proc

    def submit(self, tenant, n, kind='work', secs=.01, attempts=10, then='end'):
        "Submit from a process that ends, dies or stays afterwards"
        proc = self.start('submitter', 'data', tenant, n, kind, secs, attempts, THEN=then)
        if then!='stay': proc.wait(60)
        return proc

    def lines(self, name):
        "A ledger, as lists of words"
        path = self.dir/name
        return [o.split() for o in path.read_text().splitlines()] if path.exists() else []

    def log(self): return ''.join(Path(o.name).read_text() for o in self.logs)

    def buried(self, proc, why):
        "Remember how a process died"
        proc.wait(30)
        if proc.returncode==-9: self.kills[str(proc.pid)] = why

    def kill(self, proc, why='random'):
        proc.kill()
        self.buried(proc, why)

    def stats(self): return sum((Counter(self.manager(o).store.stats()[0]) for o in self.names), Counter())
    def manager(self, name): return self.tenants[name]
    def jobs(self): return {o.id:o for n in self.names for o in self.manager(n).list_jobs(limit=100_000)}

    def until(self, cond, timeout=60, every=.02):
        "Wait for something to become true, and say what was there if it doesn't"
        end = time.monotonic()+timeout
        while not cond():
            if time.monotonic()>end: raise AssertionError(f'not within {timeout} s; {dict(self.stats())}\n{self.log()[-3000:]}')
            time.sleep(every)

    def over(self):
        s = self.stats()
        return s['pending']+s['running']==0

    def close(self):
        for o in self.procs.values():
            if o.poll() is None: o.kill()
            o.wait()
            o.stdout.close()
        for o in self.logs: o.close()
        self.tmp.cleanup()

    def __enter__(self): return self
    def __exit__(self, *_): self.close()

def compare(arena):
    "The books against each other: figures, and whatever shouldn't be"
    jobs,bad,runs = arena.jobs(),[],defaultdict(list)
    for event,job_id,claim,pid,at in arena.lines('ledger'):
        if event=='begin': runs[job_id].append(dict(claim=claim, pid=pid, begin=float(at), end=None, failed=False))
        else: next(o for o in runs[job_id] if o['claim']==claim).update(end=float(at), failed=event=='fail')
    accepted = [o[1] for o in arena.lines('accepted')]
    for o in accepted:
        if o not in jobs: bad.append(f'{o} was accepted and is gone')
    for o in jobs.values():
        if o.status not in ('completed','failed'): bad.append(f'{o.id} is {o.status}')
        if o.status=='failed' and o.retry_count<o.max_retries: bad.append(f'{o.id} failed with {o.retry_count} of {o.max_retries} attempts')
        ran = any(r['end'] and not r['failed'] for r in runs[o.id])
        if o.status=='completed' and not ran: bad.append(f'{o.id} completed without having run')
    for job_id,rs in runs.items():
        if len({o['claim'] for o in rs})<len(rs): bad.append(f'{job_id} ran twice under one claim')
        for a,b in zip(rs, rs[1:]):
            if not (a['failed'] or a['pid'] in arena.kills): bad.append(f"{job_id} ran again, though {a['pid']} was not killed")
            if a['end'] and a['end']>b['begin']: bad.append(f'{job_id} ran in two processes at once')
    again = sum(len(o)-1 for o in runs.values())
    states = Counter(o.status for o in jobs.values())
    figures = dict(accepted=len(accepted), completed=states['completed'], failed=states['failed'], executions=sum(map(len, runs.values())),
        repeated=again, kills=len(arena.kills), **Counter(f'at {o}' for o in arena.kills.values()))
    return figures,bad

def crash_round(seed, jobs=200, workers=2, tenants=4, timeout=120):
    "One seeded round: submit and be killed, work and be killed, until all is over: figures, and whatever shouldn't be"
    with Arena(tenants, seed) as arena:
        rnd,alive = arena.rnd,[]
        for i,name in enumerate(arena.names):
            for kind in ('work', 'awork', 'flaky'):
                proc = arena.submit(name, jobs//tenants//3, kind, then='die')
                arena.buried(proc, 'submit')
        end,nextkill = time.monotonic()+timeout,time.monotonic()+.5
        while not arena.over() and time.monotonic()<end:
            for o in [o for o in alive if o.poll() is not None]:
                arena.buried(o, o.seam)
                alive.remove(o)
            while len(alive)<workers: alive.append(arena.worker(rnd.choice(seams[:-1]), .08))
            if time.monotonic()>nextkill:
                arena.kill(alive.pop(rnd.randrange(len(alive))))
                nextkill = time.monotonic()+rnd.uniform(.2, 1)
            time.sleep(.02)
        for o in alive:
            o.send_signal(signal.SIGTERM)
            arena.buried(o, o.seam)
        return compare(arena)
