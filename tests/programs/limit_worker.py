"A worker of tasks with a limit and a rate, whose jobs note what they see: limit_worker FOLDER LEASE"
import fcntl,os,sys,time
from datetime import timedelta
from pathlib import Path

from tenant_tasks import Worker,current_job,task
from tenant_tasks.run.process import this_process

folder,lease = Path(sys.argv[1]),float(sys.argv[2])
running = """SELECT count(*) FROM tenant_jobs WHERE status='running' AND task=?
    AND (?='' OR payload->>'account'=?)"""

def slot(of=''):
    "The first of two files that no other running job has locked, or None: a lock falls when its process is killed"
    for i in range(2):
        fd = os.open(folder/f'slot{of}{i}', os.O_RDWR|os.O_CREAT)
        try: fcntl.flock(fd, fcntl.LOCK_EX|fcntl.LOCK_NB)
        except BlockingIOError: os.close(fd)
        else: return fd

def work(secs, of='', account=''):
    "Note how many jobs run like this one, as the rows say and as locked files say"
    fd = slot(of)
    try:
        with current_job().transaction() as db:
            seen, = next(db.conn.execute(running, (current_job().job.task, account, account)))
            db.conn.execute('INSERT INTO ledger VALUES (?,?,?,?)', (of, seen, fd is not None, os.getpid()))
        time.sleep(secs)
    finally:
        if fd is not None: os.close(fd)

def soon(n): return .1

@task(name='limits.few', limit=2, max_retries=99, backoff=soon)
def few(n=0, secs=.01): work(secs)

@task(name='limits.each', limit=2, limit_by='account', max_retries=99, backoff=soon)
def each(account, secs=.03): work(secs, account, account)

@task(name='limits.smtp', limit='smtp', max_retries=99, backoff=soon)
def smtp(secs=.01): work(secs, f'pid{os.getpid()}')

@task(name='limits.other_smtp', limit='smtp', max_retries=99, backoff=soon)
async def other_smtp(secs=.01): work(secs, f'pid{os.getpid()}')

@task(name='limits.rated', rate=(5, .5), max_retries=99)
def rated():
    job = current_job().job
    with current_job().transaction() as db: db.conn.execute('INSERT INTO starts VALUES (?)', (job.started_at,))

@task(name='limits.free', max_retries=99)
def free(): pass

if __name__=='__main__':
    this_process.lease = timedelta(seconds=lease)
    Worker(folder, look_every=.05, grace=1, limits=dict(smtp=2)).main()
