"The row steps"
from itertools import count

from bare import connect
from commits import full
from libraries import rate_of
from rates import app_db
from rows import line,row
from tasks import noop
from tenant_tasks import BackgroundTaskManager
from tenant_tasks.jobs.job import new_id,timestamp,utcnow
from tenant_tasks.db.schema import tables

effects = 'CREATE TABLE effects (n INTEGER PRIMARY KEY)'
put = 'INSERT INTO tenant_steps (job_id, name, kind, at, claim, value) VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value'

class Ours:
    "A job that is running, and goes on with its steps"
    def __init__(self, folder):
        self.n = count()
        manager = BackgroundTaskManager(app_db(folder))
        manager.db.execute(effects)
        self.job = manager.claim(manager.submit('noop', noop)[0])

    def step(self): self.job.step(f'step {next(self.n)}', int)

    def transaction(self):
        "An effect and a checkpoint"
        n = next(self.n)
        with self.job.transaction() as db:
            db.execute('INSERT INTO effects VALUES (?)', (n,))
            self.job.checkpoint('rows', n)

class BareSteps:
    "The same rows in bare apsw"
    def __init__(self, folder):
        self.n = count()
        self.conn = connect(folder/'bare.db', 'FULL')
        for o in (effects, tables['tenant_steps']): self.conn.execute(o)
        self.row = new_id(),timestamp(utcnow()),new_id()

    def put(self, name, kind, value):
        job_id,at,claim = self.row
        self.conn.execute(put, (job_id, name, kind, at, claim, value))

    def step(self): self.put(f'step {next(self.n)}', 'step', '0')

    def transaction(self):
        n = next(self.n)
        self.conn.execute('BEGIN IMMEDIATE')
        self.conn.execute('INSERT INTO effects VALUES (?)', (n,))
        self.put('rows', 'checkpoint', str(n))
        self.conn.execute('COMMIT')

@row
def steps(b):
    "A step, and a transaction with a checkpoint, against a bare apsw commit of the same rows (WAL); and jobs with ten steps against DBOS workflows with ten steps on SQLite"
    res,n = [],b.n(500, 50)
    got = b.calls(n, step=Ours(b.dir()).step, bare_step=BareSteps(b.dir()).step,
        transaction=Ours(b.dir()).transaction, bare_transaction=BareSteps(b.dir()).transaction)
    about = dict(unit='µs', durable=full, budget=('<=', 1.4))
    res.append(line('a step', got['step'], got['bare_step'], against='bare commit', **about))
    res.append(line('an effect and a checkpoint', got['transaction'], got['bare_transaction'], against='bare commit of both', **about))
    n = b.n(100, 10)
    for together,what in ((1, 'one after another'), (8, '8 at a time')):
        got = b.interleave(**{o:lambda o=o: rate_of(b, o, n, together) for o in ('ours_steps', 'dbos_steps')})
        res.append(line(f'a job with ten steps, {what}', got['ours_steps'], got['dbos_steps'], unit='jobs/s', against='DBOS',
            durable='steps: ours FULL in a WAL, theirs FULL in a rollback journal'))
    return res
