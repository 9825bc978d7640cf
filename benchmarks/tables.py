"Rows about the size of the table, which should make no difference: tables, manager"
from itertools import cycle

from fastlite import database

from rows import line,row
from tasks import noop
from tenant_tasks import BackgroundTaskManager
from tenant_tasks.jobs.job import timestamp,utcnow
from tenant_tasks.run.process import this_process
from tenant_tasks.db.schema import columns,ensure_schema
from tenant_tasks.jobs.task import task_name

# Of 1,000 jobs, 100 have failed, 20 are cancelled, 25 pending (most of them due), 5 running; each of five types has 200
fill = """INSERT INTO tenant_jobs (id, job_type, status, payload, result, created_at, started_at, completed_at, run_at,
        task, function, owner, claim, lease_until, retry_count, error_log)
    WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM c WHERE i<:n-1),
        s AS (SELECT i, CASE WHEN i/5%10=0 THEN 'failed' WHEN i/5%50=1 THEN 'cancelled' WHEN i/5%40=2 THEN 'pending'
            WHEN i/5%200=3 THEN 'running' ELSE 'completed' END AS status,
            strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '-'||(:n-i)||' seconds') AS t FROM c)
    SELECT printf('%032x', i*2654435761), 'type'||(i%5), status,
        '{"user_id": "'||i||'"}', iif(status='completed', '{"rows": 42}', NULL),
        t, iif(status='pending', NULL, t), iif(status IN ('failed','cancelled','completed'), t, NULL), t,
        'noop', 'tasks.noop', 'elsewhere', iif(status='running', 'claim'||i, NULL), iif(status='running', '9', NULL),
        iif(status='failed', 3, 0), iif(status='failed', 'Traceback (most recent call last): …', NULL) FROM s"""

def filled_manager(
    path, # A new database
    n:int, # Jobs to make
)->BackgroundTaskManager: # Its manager
    "A tenant that has `n` jobs already"
    db = database(path)
    db.conn.execute(f"CREATE TABLE tenant_jobs ({', '.join(columns.values())})")
    db.conn.execute(fill, dict(n=n))
    ensure_schema(db.conn)
    return BackgroundTaskManager(db)

def claim(m):
    "Claim the first due job; then, untimed, move it to the end of the queue"
    names = [task_name(noop)]
    def back(job): m.store.settle(job, 'snooze', utcnow(), run_at=timestamp(utcnow()))
    return (lambda: m.store.claim_due(this_process.id, names, utcnow())), back

def some_ids(manager):
    "Ids from all parts of the table"
    jobs = manager.db.q('SELECT id FROM tenant_jobs WHERE rowid%(SELECT max(rowid)/199 FROM tenant_jobs)=1')
    return [o['id'] for o in jobs]

# What to time, made from a manager
queries = dict( # chkstyle: ignore-node
    list_jobs        = lambda m: lambda: m.list_jobs(limit=20),
    list_type        = lambda m: lambda: m.list_jobs('type3', limit=20),
    list_status      = lambda m: lambda: m.list_jobs(status='failed', limit=20),
    list_both        = lambda m: lambda: m.list_jobs('type3', 'failed', limit=20),
    get_job          = lambda m: lambda ids=cycle(some_ids(m)): m.get_job(next(ids)),
    claim            = claim,
    job_stats        = lambda m: m.job_stats)

@row
def tables(b):
    "Asking for 20 jobs by each filter, for one job, for a claim and for the counts, at 100,000 and 1,000,000 jobs against 1,000"
    sizes,folder = b.n((1000, 100_000, 1_000_000), (1000, 20_000)),b.dir()
    managers,res = {o:filled_manager(folder/f'{o}.db', o) for o in sizes},[]
    for name,query in queries.items():
        n = b.n(200, 20) if name!='job_stats' else 3
        got = b.calls(n, **{str(k):query(v) for k,v in managers.items()})
        for size in sizes[1:]:
            budget = ('<=', 2) if size==sizes[-1] and name!='job_stats' else None
            res.append(line(f'{name}, {size:,} jobs', got[str(size)], got['1000'],
                unit='µs', against='at 1,000 jobs', budget=budget))
    return res

@row
def manager(b):
    "`BackgroundTaskManager(db)` again on a known database, against the first time, and on a `Database` opened anew against opening it"
    folder,n = b.dir(),b.n(100, 20)
    known = database(folder/'known.db')
    fresh = iter([database(folder/f'{i}.db') for i in range(n*(b.reps+1))])
    def opened(): return database(folder/'known.db')
    got = b.calls(n, again=lambda: BackgroundTaskManager(known), first=lambda: BackgroundTaskManager(next(fresh)),
        reopened=lambda: BackgroundTaskManager(opened()), opened=opened)
    first = dict(unit='µs', against='the first time, table made')
    return [line('manager, again', got['again'], got['first'], **first, budget=('<=', 50), of='ours'),
        line('database and manager, anew', got['reopened'], got['opened'], unit='µs', against='the database alone')]
