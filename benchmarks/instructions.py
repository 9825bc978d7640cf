"Row about the processor's instructions of a job, which don't depend on how busy the machine is: instructions"
import logging,os,re,shutil,subprocess,sys
from pathlib import Path

from bare import Bare
from processes import end_after,go_on,read_line
from rates import app_db
from rows import line,row
from tasks import noop
from tenant_tasks import BackgroundTaskManager

def submits(folder, n):
    "Submit `n` jobs"
    manager = BackgroundTaskManager(app_db(folder))
    manager.submit('noop', noop)
    yield
    for _ in range(n): manager.submit('noop', noop)

def runs(folder, n):
    "Claim, call and settle `n` jobs one after another, as one turn of a worker does"
    manager,ended = BackgroundTaskManager(app_db(folder)),[]
    manager.submit_many('noop', noop, [{}]*(n+2))
    def one():
        nonlocal ended
        ended = manager.claim_next(1, ended)
        ended[0].call()
    one()
    yield
    for _ in range(n): one()

def bare_submits(folder, n):
    "Insert `n` rows"
    bare = Bare(folder)
    yield
    for _ in range(n): bare.submit()

def bare_runs(folder, n):
    "Make the two commits that follow, `n` times"
    bare = Bare(folder)
    ids = [bare.submit() for _ in range(n)]
    yield
    for o in ids: bare.finish(o)

sides = dict(submits=submits, runs=runs, bare_submits=bare_submits, bare_runs=bare_runs)

def count(
    name:str, # One of `sides`
    folder:Path, # For the database and callgrind's files
    n:int, # Jobs
)->float: # Thousands of instructions for each
    "Run a program under callgrind, which counts from the moment at which it is ready"
    cmd = ['valgrind', '--tool=callgrind', '--instr-atstart=no', f'--callgrind-out-file={folder}/out', sys.executable]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with subprocess.Popen([*cmd, __file__, name, folder, str(n)], **pipes) as proc:
        read_line(proc)
        subprocess.run(['callgrind_control', '-i', 'on', str(proc.pid)], check=True, capture_output=True)
        go_on(proc)
        read_line(proc)
        proc.communicate()
    return int(re.search(r'^(?:summary|totals): (\d+)', (folder/'out').read_text(), re.M)[1])/n/1000

@row
def instructions(b):
    "Instructions of one thread for a `submit`, and for a job's claim, call and settle, against the commits in bare apsw, as callgrind counts them"
    if not shutil.which('callgrind_control'):
        print('  left out, no valgrind on this machine')
        return []
    n = b.n(500, 50)
    got = {k:[count(k, b.dir(), n)] for k in sides}
    about = dict(unit='1,000 instructions', against='bare commits')
    return [line(what, got[k], got[f'bare_{k}'], **about) for k,what in (('submits', 'submit'), ('runs', 'run'))]

if __name__=='__main__':
    end_after(600)
    logging.disable(logging.ERROR)
    name,folder,n = sys.argv[1:]
    todo = sides[name](Path(folder), int(n))
    next(todo)
    print('ready', flush=True)
    input()
    next(todo, None)
    print('done', flush=True)
    os._exit(0)
