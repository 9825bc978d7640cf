"Tasks that an executor named `cpu` runs in other processes; what they leave for a test is in files"
import asyncio,os,re,resource,subprocess,time
from pathlib import Path

from tenant_tasks import Cancel,Snooze,current_job,task

def soon(n): return .01

def note(path):
    "Tell a test that this process got here: a line with its process id"
    with open(path, 'a') as f: f.write(f'{os.getpid()}\n')

@task(on='cpu', name='h.whose')
def whose(): return current_job().tenant

@task(on='cpu', name='h.pid', backoff=soon)
def pid(): return os.getpid()

@task(on='cpu', name='h.apid')
async def apid():
    await asyncio.sleep(0)
    return os.getpid(),current_job().attempt

@task(on='cpu', name='h.hold')
def hold(path, go):
    "Go on when the file `go` is there"
    note(path)
    while not Path(go).exists(): time.sleep(.01)
    return 'went on'

@task(on='cpu', name='h.late', backoff=soon)
def late(path, go):
    "Write an effect when the file `go` is there, and leave what happened in the file `path`.end"
    hold(path, go)
    try:
        with current_job().transaction() as db: effect(db, 1)
        how = 'committed'
    except BaseException as e:
        how = type(e).__name__
        raise
    finally: Path(f'{path}.end').open('a').write(f'{how}\n')

@task(on='cpu', name='h.polite', max_retries=1)
def polite(path, timeout=60):
    "Ask again and again whether to go on, and leave in the file `path`.end how that ended"
    note(path)
    end = time.monotonic()+timeout
    try:
        while time.monotonic()<end:
            current_job().progress(.5, 'on the way')
            current_job().check()
            time.sleep(.01)
    except BaseException as e:
        Path(f'{path}.end').write_text(f'{type(e).__name__}: {e}')
        raise

@task(on='cpu', name='h.brief', timeout=1, max_retries=1)
def brief(path): polite(path)

@task(name='h.light')
def light(n): return n

@task(on='cpu', name='h.hang', backoff=soon)
def hang(path, how):
    "In a call to the system, in C code that lets no other thread run, or in Python"
    note(path)
    if how=='child': subprocess.run(['sh', '-c', f'echo $$ >> {path}; sleep 600'])
    if how=='sleep': time.sleep(600)
    if how=='regex': re.match(r'(a+)+$', 'a'*60+'b')
    while True: pass

@task(on='cpu', name='h.short', timeout=.3, max_retries=2, backoff=soon)
def short(path, how): hang(path, how)

@task(on='cpu', name='h.ashort', timeout=.3, max_retries=1)
async def ashort(): await asyncio.sleep(600)

@task(on='cpu', name='h.kill', backoff=soon)
def kill(path, code=None):
    note(path)
    if code is None: os.kill(os.getpid(), 9)
    os._exit(code)

hoard = []

@task(on='cpu', name='h.greedy', max_retries=1)
def greedy():
    "Take all memory that there is, and give none back"
    resource.setrlimit(resource.RLIMIT_AS, (2**29, resource.RLIM_INFINITY))
    while True: hoard.append(bytearray(2**20))

class Odd(Exception):
    "Can be pickled, but not unpickled"
    def __init__(self, a, b): super().__init__(a)

class Mute(Exception):
    def __str__(self): raise ValueError('no')

class Useless:
    def __reduce__(self): raise TypeError('never')
    def __repr__(self): return 'useless'

ends = dict(odd=Odd(1, 2), mute=Mute(), exit=SystemExit(3), os=OSError('no route'), key=KeyError('gone'),
    value=ValueError('bad'), cancel=Cancel('not wanted'), snooze=Snooze(60, 'too busy'))

@task(on='cpu', name='h.end', retry_on=(OSError,Odd,Mute,SystemExit), cancel_on=KeyError)
def end(how):
    if how=='useless': return Useless()
    raise ends[how]

def effect(db, n): db.conn.execute('INSERT INTO effects VALUES (?,?)', (n, os.getpid()))

@task(on='cpu', name='h.tell')
def tell():
    "Use all of `current_job()`"
    job = current_job()
    job.progress(.5, 'half')
    job.check()
    with job.transaction() as db: effect(db, 1)
    n = job.step('one', lambda: 41)
    job.checkpoint('at', n+1)
    job.progress(.9, 'late') # Too soon after the first one to be written at once
    return job.db.q('SELECT n FROM effects'),job.checkpoint('at'),job.id,job.attempt

@task(on='cpu', name='h.atomic', atomic=True)
def atomic(fail=False):
    effect(current_job().db, 1)
    if fail: raise OSError('no route')
    return 'all or nothing'

@task(on='cpu', name='h.fork_late')
async def fork_late(secs):
    "Fork; the child returns later, from here and from what has called this"
    if (pid := os.fork()): return pid
    time.sleep(secs)
    return 'of the child'

def nap(secs):
    time.sleep(secs)
    return 'rested'

@task(on='nowhere', name='h.nowhere')
def nowhere(): pass

@task(on='cpu', name='h.talk')
def talk(path, go):
    "Say something, go on when the file `go` is there, and say something else at the very end"
    current_job().log('here I am')
    hold(path, go)
    current_job().log('and gone')
