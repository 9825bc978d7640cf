"The commits of a job in bare apsw: the limit of the machine"
import time

import apsw

from tenant_tasks import TenantJob
from tenant_tasks.jobs.job import new_id,timestamp,utcnow
from tenant_tasks.run.process import this_process
from tenant_tasks.db.schema import columns,ensure_schema

def connect(
    path, # A database file
    synchronous:str, # 'FULL' or 'NORMAL'
    vfs:str|None=None, # SQLite's name for a file system
)->apsw.Connection:
    "Open a connection in WAL mode"
    conn = apsw.Connection(str(path), vfs=vfs)
    conn.pragma('journal_mode', 'wal')
    conn.pragma('synchronous', synchronous)
    return conn

claim = "UPDATE tenant_jobs SET status='running', claim=?, started_at=?, lease_until=? WHERE id=?"
settle = "UPDATE tenant_jobs SET status='completed', claim=NULL, lease_until=NULL, completed_at=? WHERE id=?"

def finish(
    conn:apsw.Connection, # Of a database with jobs
    job_id:str, # A pending job
    now:str, # A timestamp
):
    "Make the two commits of a job that follow its submit"
    conn.execute(claim, (new_id(), now, now, job_id))
    conn.execute(settle, (now, job_id))

class Bare:
    "A job's row and the commits that it needs, with nothing around them"
    insert = f"INSERT INTO tenant_jobs VALUES ({', '.join(f':{o}' for o in columns)})"

    def __init__(self,
        folder, # For a new database
        vfs:str|None=None, # SQLite's name for a file system
        indexes:bool=False, # Make our indexes too?
    ):
        self.full = connect(folder/'bare.db', 'FULL', vfs)
        self.normal = connect(folder/'bare.db', 'NORMAL', vfs)
        if indexes: ensure_schema(self.full)
        else: self.full.execute(f"CREATE TABLE tenant_jobs ({', '.join(columns.values())})")
        now = timestamp(utcnow())
        self.row = vars(TenantJob('', 'noop', created_at=now, run_at=now, task='noop', function='tasks.noop',
            owner=this_process.id))

    def submit(self):
        "Insert a row in a commit that waits for the disk, and return its id"
        job_id = new_id()
        self.full.execute(self.insert, dict(self.row, id=job_id))
        return job_id

    def finish(self, job_id):
        "Make the two commits that follow, which don't wait for the disk"
        finish(self.normal, job_id, self.row['run_at'])

    def rate(self, n):
        "Jobs per second"
        start = time.perf_counter()
        for _ in range(n): self.finish(self.submit())
        return n/(time.perf_counter()-start)
