"""A worker whose jobs run in `Processes`, and kill points on both sides: the points KILL_POINT kill a process, once if
there is a directory MARKS. What happens is in the ledger. Arguments: a directory of tenants, and `work` or
`submit TENANT JOBS EFFECTS KIND…`"""
import json,logging,os,sys,time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from tenant_tasks import Attempt,Processes,Tenants,Worker,current_job,task
from tenant_tasks.db import claims
from tenant_tasks.run import executors
from tenant_tasks.run.executors import Elsewhere
from tenant_tasks.run.process import Process,this_process

ledger = os.open(os.environ['LEDGER'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
points,marks = os.environ.get('KILL_POINT', '').split(','),os.environ.get('MARKS')

def note(event, job_id='-', claim='-'):
    os.write(ledger, f'{event} {job_id} {claim} {os.getpid()} {os.getppid()}\n'.encode())

def note_job(event): note(event, current_job().id, current_job().job.claim)

def maybe_die(point):
    "Kill this process with SIGKILL if `point` is one of its kill points"
    if point not in points: return
    if marks:
        try: (Path(marks)/point).touch(exist_ok=False)
        except FileExistsError: return
    note('die', point)
    os.kill(os.getpid(), 9)

def hook(cls, name, before=None, after=None):
    "Call `before` with the arguments of a function or method, and `after` with its result too"
    old = getattr(cls, name)
    def new(*args, **kw):
        if before: before(*args, **kw)
        res = old(*args, **kw)
        if after: after(res, *args, **kw)
        return res
    setattr(cls, name, new)

@task(on='cpu', backoff=lambda n: .01)
def remote(n):
    job = current_job()
    note_job('begin')
    maybe_die('begin')
    for i in range(job.checkpoint('rows') or 0, n):
        with job.transaction() as db:
            db.execute('INSERT INTO effects VALUES (?,?)', (job.id, i))
            maybe_die('inside')
            job.checkpoint('rows', i+1)
        maybe_die('between')

@task(on='cpu', backoff=lambda n: .01)
def plain(n):
    "Without progress, so that each death spends an attempt"
    note_job('begin')
    maybe_die('middle')

@task(on='cpu', backoff=lambda n: .01)
def hold(n):
    "Go on when there is a file `go`"
    note_job('begin')
    while not (Path(os.environ['LEDGER']).parent/'go').exists(): time.sleep(.01)
    with current_job().transaction() as db: db.execute('INSERT INTO effects VALUES (?,?)', (current_job().id, 0))

@task(on='cpu')
def forever(n):
    note_job('begin')
    while True: pass

def in_child():
    "Hooks in a process of the executor, called before it serves"
    note('start')
    time.sleep(float(os.environ.get('SLOW_START', 0)))
    maybe_die('starting')
    def received(session, module, name, args, kwargs):
        job = json.loads(args[0])['job']
        note('got', job['id'], job['claim'])
        maybe_die('received')
    hook(executors, '_call', received, lambda *_: maybe_die('done'))
    hook(Connection, 'recv_bytes', None, lambda *_: maybe_die('arrived'))
    hook(Connection, 'send_bytes', None, lambda _,conn,buf: b'{' in buf and maybe_die('sent'))

def in_parent():
    "Hooks in the process that claims the jobs"
    src = 'import seams; seams.in_child(); '
    executors._start = executors._start.replace('from tenant_tasks', src+'from tenant_tasks')
    async def read(*args, old=Elsewhere._read):
        res = await old(*args)
        maybe_die('answered')
        return res
    Elsewhere._read = read
    hook(claims, '_settle', None, lambda *_: maybe_die('settle'))
    hook(Process, 'hold', lambda _,a: note('claim', a.id, a.job.claim))
    hook(Processes, 'submit', lambda *_: maybe_die('submit'))
    hook(executors._Child, 'hear', lambda *_: maybe_die('asked'))
    hook(Attempt, 'ended', lambda *_: maybe_die('settled'))

def work(folder):
    if 'LEASE' in os.environ: this_process.lease = timedelta(seconds=float(os.environ['LEASE']))
    in_parent()
    print('up', flush=True)
    grace = float(os.environ.get('GRACE', 5))
    Worker(Tenants(folder), look_every=.05, grace=grace, executors=dict(cpu=Processes(2))).main()

def submit(manager, n_jobs, n, *kinds):
    manager.db.execute('CREATE TABLE IF NOT EXISTS effects (job, n)')
    for o in kinds: manager.submit_many(o, globals()[o], [dict(n=n)]*n_jobs, 60)

if __name__=='__main__':
    import seams # This file under the name by which the other processes import it
    logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')
    folder,what,*args = sys.argv[1:]
    if what=='submit': seams.submit(Tenants(folder)[args[0]], int(args[1]), int(args[2]), *args[3:])
    else: seams.work(folder)
