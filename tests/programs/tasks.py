"The tasks of the crash tests. Each execution is noted in a ledger; a process may kill itself while it runs one"
import asyncio,ctypes,os,random,subprocess,sys,time
from contextlib import suppress
from pathlib import Path

from tenant_tasks import current_job,task

ledger = os.open(os.environ['LEDGER'], os.O_WRONLY|os.O_APPEND|os.O_CREAT)
kill_point = os.environ.get('KILL_POINT', '')
chance = float(os.environ.get('CHANCE', 0))

def maybe_die(point):
    "Kill this process with SIGKILL, with some probability, if `point` is its kill point"
    if kill_point==point and random.random()<chance: os.kill(os.getpid(), 9)

def note(event):
    "Write to the ledger and to the disk: the event, the job, its claim, this process, the time"
    job = current_job().job
    os.write(ledger, f'{event} {job.id} {job.claim} {os.getpid()} {time.monotonic():.6f}\n'.encode())
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

@task
def environment(n):
    "What a program started by this job knows of supervisors"
    src = "import os; print([k for k in os.environ if k.startswith('TENANT_TASKS')])"
    return eval(subprocess.run([sys.executable, '-c', src], capture_output=True, text=True).stdout)

@task
def copying(n, secs=.01):
    "Read and close the lock files of the data directory again and again; another process copies all of it"
    note('begin')
    data = Path(current_job().store.link.path).parent
    end = time.monotonic()+secs
    while time.monotonic()<end:
        subprocess.run(['cp', '-r', data, data.parent/'backup'], stderr=subprocess.DEVNULL)
        for o in (data/'.tenant_tasks').rglob('*'):
            with suppress(OSError): o.read_bytes() # The other worker's lock file gets its name meanwhile
        time.sleep(.05)
    note('end')

@task
def forking(n, secs=.01):
    "Fork a child that outlives this process, and tell its process id"
    note('begin')
    pid = os.fork()
    if not pid:
        time.sleep(60)
        os._exit(0)
    Path(os.environ['LEDGER']).with_name('child').write_text(str(pid))
    time.sleep(secs)
    note('end')

@task
def gripping(n, secs=.01):
    "Keep Python's own lock: no other thread of this process runs"
    note('begin')
    ctypes.PyDLL(None).usleep(int(secs*1e6))
    note('end')

@task
def locking(n, secs=.01):
    "Keep the write lock of the tenant's database"
    note('begin')
    conn = current_job().db.conn
    conn.set_busy_timeout(5000)
    conn.execute('BEGIN IMMEDIATE')
    time.sleep(secs)
    conn.execute('COMMIT')
    note('end')

@task
def tell_of_failure(job_id, error): note('begin')

@task(on_failure=tell_of_failure, backoff=lambda n: .01)
def doomed(n, secs=.01):
    "Fail each time, and for good in the end"
    note('begin')
    maybe_die('task')
    note('fail')
    raise OSError('no route to host')
