"Rows about workers: idle, notice, fair, first_turns, memory, imports, restart"
import json,os,random,shutil,sqlite3,subprocess,sys,time
from contextlib import ExitStack,closing

import psutil

from copies import make_tenants
from many import bare_drain_rate
from measure import percentile
from processes import process,read_line,wait_for
from rows import line,row
from tasks import hold,nap,noop,say,start_delay
from tenant_tasks import Tenants
from tenant_tasks.jobs.job import parse_time

# -- many idle tenants

def cpu_secs(proc): return sum(proc.cpu_times()[:2])

def cpu_shares(procs, secs):
    "The share of a core that each process uses over the next seconds"
    before,start = [cpu_secs(o) for o in procs],time.perf_counter()
    time.sleep(secs)
    took = time.perf_counter()-start
    return [(cpu_secs(o)-c)/took for o,c in zip(procs, before)]

def busy_secs(
    procs:list, # Processes that have just started
    quiet:float, # How many seconds all of them must be idle
    secs:float=300, # Longest wait
)->list: # Seconds for each
    "Wait until all processes are idle, and return how long each was busy"
    start,last = time.perf_counter(),[0]*len(procs)
    while (now := time.perf_counter()-start)<max(last)+quiet:
        if now>secs: raise TimeoutError(f'workers still busy after {secs} s')
        last = [time.perf_counter()-start if c>.3 else t for c,t in zip(cpu_shares(procs, .25), last)]
    return last

def start_workers(
    stack:ExitStack, # Ends them
    folders:dict, # Directories by number of tenants
    quiet:float, # As in `busy_secs`
)->tuple: # The processes by number of tenants, and the seconds that each was busy
    "Start a worker process for each directory, and wait until they are idle"
    procs = {k:psutil.Process(stack.enter_context(process('programs.py', 'worker', v)).pid) for k,v in folders.items()}
    return procs, dict(zip(procs, busy_secs(list(procs.values()), quiet)))

@row
def idle(b):
    "A worker process over 1,000 and 10,000 tenants that have nothing to do, against one over 10: CPU, files, memory, the first look at all"
    sizes = b.n((10, 1000, 10_000), (10, 100))
    folders,res = {o:make_tenants(b.dir(), o) for o in sizes},[]
    share,files,used = [{o:[] for o in sizes} for _ in range(3)]
    with ExitStack() as stack:
        procs,first = start_workers(stack, folders, b.n(4, 1))
        for _ in range(b.reps):
            for o,c in zip(sizes, cpu_shares(list(procs.values()), b.n(8, 1))):
                share[o].append(100*c)
                files[o].append(procs[o].num_fds())
                used[o].append(procs[o].memory_full_info().uss/2**20)
    for o in sizes[1:]:
        def add(what, d, unit, limit=None):
            budget = ('<=', limit) if limit and o==sizes[-1] else None
            res.append(line(f'idle, {o:,} tenants: {what}', d[o], d[sizes[0]], unit=unit,
                against=f'{sizes[0]} tenants', budget=budget, of='ours'))
        add('CPU', share, '% of a core', 1)
        add('open files', files, 'files', files_bound)
        add('memory', used, 'MB')
        add('first look at all', {k:[v] for k,v in first.items()}, 's')
    return res

files_bound = 1024 # Most systems let a process open this many files by default

# -- the time until a job starts

def notice_ms(folder, n, tries):
    "Milliseconds until the worker starts each job that this process submits, now and then, to one of `n` tenants"
    tenants,res = Tenants(folder),[]
    for _ in range(tries):
        time.sleep(random.random()/2)
        manager = tenants[f't{random.randrange(n)}']
        job_id,_ = manager.submit('noop', noop)
        job = wait_for(lambda: (o := manager.get_job(job_id)).status=='completed' and o, every=.02)
        res.append(start_delay(job)*1e3)
    return res

def old_job_secs(folder, model, name):
    "Seconds from the start of a worker process until it runs a job in a file that was last written 30 days ago"
    path = folder/f'{name}.db'
    shutil.copyfile(model, path)
    os.utime(path, (time.time()-30*24*3600,)*2)
    start = time.perf_counter()
    with process('programs.py', 'worker', folder) as proc:
        read_line(proc)
        res = time.perf_counter()-start
        wait_for(lambda: Tenants(folder)[name].job_stats()['completed'])
    return res

@row
def notice(b):
    "How long a job among 10,000 tenants waits for its start: one that another process submits, and one in a file that was last written 30 days ago when a worker process starts; against 10 tenants"
    sizes,tries = b.n((10, 10_000), (10, 100)),b.n(30, 3)
    folders,model = {o:make_tenants(b.dir(), o) for o in sizes},make_tenants(b.dir(), 1, say)/'t0.db'
    names = iter([f'old{i}' for i in range(b.reps*len(sizes))])
    old = b.interleave(**{str(o):lambda o=o: old_job_secs(folders[o], model, next(names)) for o in sizes})
    with ExitStack() as stack:
        start_workers(stack, folders, b.n(4, 1))
        got = b.interleave(**{str(o):lambda o=o: notice_ms(folders[o], o, tries) for o in sizes})
    few,many = map(str, sizes)
    def ms(p): return [[percentile(o, p) for o in got[k]] for k in (many, few)]
    name,about = f'{sizes[1]:,} tenants: ',dict(against=f'{few} tenants', of='ours')
    starts = f'{name}a job of another process starts'
    res = [line(f'{starts}, p{p}', *ms(p), unit='ms', budget=v, **about) for p,v in ((50, None), (95, ('<=', 60)))]
    last = line(f'{name}an old job, after a restart', old[many], old[few], unit='s', budget=('<=', 2), **about)
    return [*res, last]

# -- light tenants next to busy ones

@row
def fair(b):
    "How long a job of a light tenant, which has one now and then, waits for its start beside 10, 100 and 1,000 tenants that always have jobs of 5 ms, and beside one that has 40,000 of them; and a job of a tenant that submits one after another; against a worker with nothing else to do"
    crowds = b.n({10:6000, 100:1000, 1000:400, 1:40_000}, {10:400, 20:200, 1:2000})
    often = b.n(1000, 20)
    def once(busy, jobs, pause=0): # A light tenant's pause is longer than a round of all tenants
        pause = pause or b.n(4 if busy>=1000 else 1, .2)
        folder,n = make_tenants(b.dir(), busy, nap, jobs, secs=.005),b.n((60, 2), (5, 4))
        with process('programs.py', 'light', folder, busy, *n, pause) as proc: res = json.loads(read_line(proc))
        shutil.rmtree(folder)
        if not res['left']: raise RuntimeError('a busy tenant had no jobs left')
        return res['waits']
    each = {str(k):lambda k=k, v=v: once(k, v) for k,v in crowds.items()}
    got = b.interleave(**each, often=lambda: once(often, crowds[often], .05), idle=lambda: once(0, 0))
    def ms(k, p): return [percentile(o, p)*1e3 for o in got[k]]
    def name(n): return f'beside {n:,} busy tenants' if n>1 else 'beside one that floods'
    about = dict(unit='ms', against='an idle worker')
    rows = {f'light tenant waits {name(n)}':str(n) for n in crowds}
    rows[f'one job after another, {name(often)}'] = 'often'
    return [line(f'{what}, p{p}', ms(k, p), ms('idle', p), **about) for what,k in rows.items() for p in (50, 95, 99)]

# -- the first turns after a start

def first_turn_secs(folder, secs):
    "Seconds from the start of a worker process until the first job of each tenant starts; `secs` if none does by then"
    start = time.time()
    with process('programs.py', 'worker', folder): time.sleep(secs)
    def first(path):
        with closing(sqlite3.connect(path)) as conn: (at,), = conn.execute('SELECT min(started_at) FROM tenant_jobs')
        return parse_time(at).timestamp()-start if at else secs
    return [first(o) for o in folder.glob('*.db')]

@row
def first_turns(b):
    "A worker process starts among 1,000 tenants that each have a backlog of 5 ms jobs: seconds until each tenant has had a turn, against opening each file, a claim, a settle and closing it"
    n,jobs,secs = b.n((1000, 100, 10), (50, 20, 3))
    def ours():
        folder = make_tenants(b.dir(), n, nap, jobs, secs=.005)
        res = first_turn_secs(folder, secs)
        shutil.rmtree(folder)
        return res
    got = b.interleave(ours=ours, bare=lambda: n/bare_drain_rate(b, n, 1))
    return [line(f'{n:,} tenants, first turn after a start, p{p}', [percentile(o, p) for o in got['ours']], got['bare'], unit='s',
        against='bare open, claim, settle, close of all') for p in (50, 99)]

# -- memory

@row
def memory(b):
    "Memory of each job that waits for its retry in the process that submitted it, against a coroutine that sleeps and does nothing else"
    n = b.n(2000, 200)
    def once(*args):
        with process('programs.py', *args) as proc: return float(read_line(proc).split()[0])/1024
    got = b.interleave(ours=lambda: once('waiting', b.dir(), n), bare=lambda: once('sleeping', n))
    return [line('a job that waits', got['ours'], got['bare'], unit='kB', against='a sleeping coroutine',
        budget=('<=', 2))]

# -- imports

@row
def imports(b):
    "A new process that imports tenant_tasks, against one that imports fasthtml.common alone"
    def once(name):
        start = time.perf_counter()
        subprocess.run([sys.executable, '-c', f'import {name}'], check=True)
        return time.perf_counter()-start
    got = b.interleave(ours=lambda: once('tenant_tasks'), fasthtml=lambda: once('fasthtml.common'))
    return [line('import', got['ours'], got['fasthtml'], unit='s', against='fasthtml.common alone', budget=('<=', 1.25))]

# -- start again after kill -9

@row
def restart(b):
    "Seconds from the start of a process until the first job runs that a killed one had left, against a process that only imports us"
    sizes = b.n((1, 100, 1000), (1, 100))
    def alone():
        start = time.perf_counter()
        with process('programs.py', 'imports') as proc: return read_line(proc) and time.perf_counter()-start
    def resumed(n):
        folder = make_tenants(b.dir(), n, hold)
        with process('programs.py', 'worker', folder) as proc:
            for _ in range(min(n, 20)): read_line(proc)
        start = time.perf_counter()
        with process('programs.py', 'worker', folder) as proc:
            while read_line(proc)!='resumed': pass
            return time.perf_counter()-start
    got = b.interleave(alone=alone, **{str(o):lambda o=o: resumed(o) for o in sizes})
    def name(n): return f"first job resumed, {n:,} tenant{'s'*(n>1)}"
    return [line(name(o), got[str(o)], got['alone'], unit='s', against='imports alone') for o in sizes]
