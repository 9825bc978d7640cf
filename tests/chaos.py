"Crash tests: processes are killed at chosen points and at random, and a ledger of all executions is checked afterwards"
import os,random,signal,tempfile,time
from collections import Counter,defaultdict
from pathlib import Path

from helpers import open_db,program,wait_until

from tenant_tasks.fleet.tenants import Tenants

kill_points = 'claim','task','settle','settled','rescue' # Where `programs/worker.py` may kill itself

class Chaos:
    "A directory of tenants, the processes that work on it, and the ledgers that they write"
    command = 'worker', # The program of a worker, and its arguments
    def __init__(self, tenants=4, seed=0):
        self.tmp = tempfile.TemporaryDirectory(prefix='tenant_tasks_chaos')
        self.dir = Path(self.tmp.name)
        self.data = self.dir/'data'
        self.rnd = random.Random(seed)
        self.procs = []
        self.kills = {} # Where each killed process died, by its id
        self.logs = []
        self.names = [f't{i}' for i in range(tenants)]
        self.data.mkdir()
        for o in self.names: open_db(self.data/f'{o}.db')
        self.tenants = Tenants(self.data)

    def start(self, name, *args, **env):
        "Start a program that knows the ledgers and has a log"
        log = open(self.dir/f'log{len(self.logs)}', 'w+')
        self.logs.append(log)
        env |= dict(LEDGER=self.dir/'ledger', ACCEPTED=self.dir/'accepted')
        proc = program(name, self.data, *args, stderr=log, **env)
        self.procs.append(proc)
        return proc

    def worker(self, kill_point='', chance=0, **env):
        "Start a worker, and wait until it is up"
        proc = self.start(*self.command, KILL_POINT=kill_point, CHANCE=chance, **env)
        proc.kill_point = kill_point
        proc.stdout.readline()
        return proc

    def submit(self, tenant, n, kind='work', secs=.01, attempts=10, then='end', **env):
        "Submit from a process that ends, dies or stays afterwards"
        proc = self.start('submitter', tenant, n, kind, secs, attempts, then, **env)
        if then!='stay': proc.wait(60)
        return proc

    def lines(self, name):
        "A ledger, as lists of words"
        path = self.dir/name
        return [o.split() for o in path.read_text().splitlines()] if path.exists() else []

    def log(self): return ''.join(Path(o.name).read_text() for o in self.logs)

    def reap(self, proc, where):
        "Wait for the end of a process, and remember where it was if it was killed"
        proc.wait(60)
        if proc.returncode==-9: self.kills[str(proc.pid)] = where

    def kill(self, proc):
        proc.kill()
        self.reap(proc, 'random')

    def manager(self, name): return self.tenants[name]
    def stats(self): return sum((Counter(self.manager(o).store.stats()[0]) for o in self.names), Counter())
    def jobs(self): return {o.id:o for n in self.names for o in self.manager(n).list_jobs(limit=100_000)}

    def finished(self):
        "Has every job come to its end?"
        s = self.stats()
        return s['pending']+s['running']==0

    def until(self, cond, timeout=60):
        "Wait until `cond()` is true"
        wait_until(cond, timeout, .02, lambda: f'{dict(self.stats())}\n{self.log()[-3000:]}')

    def close(self):
        for o in self.procs: # A child that one of them has forked may hold the pipes open: nothing is read from them
            o.kill()
            o.wait()
            for pipe in (o.stdin, o.stdout): pipe.close()
        for o in self.logs: o.close()
        self.tmp.cleanup()

    def __enter__(self): return self
    def __exit__(self, *_):
        if 'PYTEST_CURRENT_TEST' in os.environ: print(self.log()[-8000:]) # Shown if the test fails
        self.close()

def executions(chaos):
    "The executions of each job in the order of the ledger"
    res = defaultdict(list)
    for event,job_id,claim,pid,at in chaos.lines('ledger'):
        if event=='begin': res[job_id].append(dict(claim=claim, pid=pid, begin=float(at), end=None, failed=False))
        else: next(o for o in res[job_id] if o['claim']==claim).update(end=float(at), failed=event=='fail')
    return res

def check_job(job, runs):
    "What is wrong with how a job ended"
    if job.status not in ('completed','failed'): yield f'{job.id} is {job.status}'
    if job.status=='failed' and job.retry_count<job.max_retries:
        yield f'{job.id} failed after {job.retry_count} of {job.max_retries} attempts'
    ran = any(o['end'] and not o['failed'] for o in runs)
    if job.status=='completed' and not ran: yield f'{job.id} completed and never ran'

def check_runs(job_id, runs, kills):
    "What is wrong with the executions of a job"
    if len({o['claim'] for o in runs})<len(runs): yield f'{job_id} ran twice under one claim'
    for a,b in zip(runs, runs[1:]):
        if not (a['failed'] or a['pid'] in kills): yield f"{job_id} ran again, but process {a['pid']} was not killed"
        if a['end'] and a['end']>b['begin']: yield f'{job_id} ran in two processes at once'

def check_ledger(chaos):
    "Compare the ledgers with the databases: figures, and a list of what is wrong"
    jobs,runs,accepted = chaos.jobs(),executions(chaos),[o for _,o in chaos.lines('accepted')]
    wrong = [f'{o} was accepted and is gone' for o in accepted if o not in jobs]
    for o in jobs.values(): wrong += check_job(o, runs[o.id])
    for k,v in runs.items(): wrong += check_runs(k, v, chaos.kills)
    states,n = Counter(o.status for o in jobs.values()),sum(map(len, runs.values()))
    figures = dict(accepted=len(accepted), completed=states['completed'], failed=states['failed'], executions=n,
        repeated=sum(max(len(o)-1, 0) for o in runs.values()), kills=len(chaos.kills))
    return figures|Counter(f'at {o}' for o in chaos.kills.values()),wrong

def work_and_be_killed(chaos, workers, timeout, points=kill_points, chance=.08, done=Chaos.finished, **env):
    "Keep workers running, which kill themselves or are killed at random, until it is done: each job is at its end"
    rnd,alive,looked,pause = chaos.rnd,[],0,len(chaos.names)/100
    stop,next_kill = time.monotonic()+timeout,time.monotonic()+.5
    while time.monotonic()<stop:
        if time.monotonic()>looked+pause:
            if done(chaos): break
            looked = time.monotonic()
        for o in [o for o in alive if o.poll() is not None]:
            chaos.reap(o, o.kill_point)
            alive.remove(o)
        while len(alive)<workers: alive.append(chaos.worker(rnd.choice(points), chance, **env))
        if time.monotonic()>next_kill:
            chaos.kill(alive.pop(rnd.randrange(len(alive))))
            next_kill = time.monotonic()+rnd.uniform(.2, 1)
        time.sleep(.02)
    for o in alive:
        o.send_signal(signal.SIGTERM)
        chaos.reap(o, o.kill_point)

def crash_round(seed, jobs=200, workers=2, tenants=4, timeout=120, files=0):
    "Submit and be killed, work and be killed, until all is done: figures, and a list of what is wrong"
    with Chaos(tenants, seed) as chaos:
        for i in range(0, tenants, 50 if tenants>50 else 1): # Fifty tenants in one process, if there are so many
            names = ','.join(chaos.names[i:i+50] if tenants>50 else chaos.names[i:i+1])
            for kind in ('work', 'awork', 'flaky'):
                chaos.reap(chaos.submit(names, max(jobs//tenants//3, 1), kind, then='die'), 'submit')
        work_and_be_killed(chaos, workers, timeout, FILES=files)
        return check_ledger(chaos)
