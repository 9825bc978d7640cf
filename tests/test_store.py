"All SQL on the jobs: every move against the transition table, the app's transactions, other tables, query plans, syncs"
import re
from datetime import datetime,timedelta,timezone

import apsw,pytest
from fastlite import Database,database
from helpers import SyncVFS,manager_at,run,work
from hypothesis import strategies as st
from hypothesis.stateful import Bundle,RuleBasedStateMachine,invariant,rule

from tenant_tasks.jobs.job import TenantJob,final_statuses,new_id,statuses,timestamp,transitions,utcnow
from tenant_tasks.jobs.task import Limits
from tenant_tasks.manager.manager import BackgroundTaskManager
from tenant_tasks.db.queue import Pause
from tenant_tasks.db import schema
from tenant_tasks.db.schema import columns,ensure_schema,indexes,schedule_columns
from tenant_tasks.db.sqlite import open_plain
from tenant_tasks.db.store import JobStore

owners = st.sampled_from(['p1', 'p2', 'p3'])
outs = st.sampled_from([k for k,(frm,to,_) in transitions.items() if 'running' in frm])
start = datetime(2026, 11, 23, tzinfo=timezone.utc)

class JobStates(RuleBasedStateMachine):
    "A model of each job (status, valid claim, asked to stop) beside the real rows"
    jobs,claims = Bundle('jobs'),Bundle('claims')

    def __init__(self):
        super().__init__()
        self.store = JobStore(database(':memory:'))
        self.model = {}
        self.now = start

    def moved(self, job_id, row, move, may, to=None):
        "The store answered `row`; the table says whether the move may be made, and where it leads"
        m = self.model[job_id]
        if not may: assert row is None, f'{move} out of {m} was allowed'
        else:
            assert row.status==(to or transitions[move][1]) and m['status'] in transitions[move][0]
            m.update(status=row.status, claim=row.claim)
            assert (row.claim is not None)==(row.status=='running')
            assert (row.completed_at is not None)==(row.status in final_statuses)

    @rule(target=jobs, delay=st.integers(0, 2))
    def submit(self, delay):
        run_at,kw = self.now+timedelta(seconds=delay),dict(created_at=timestamp(self.now))
        job, = self.store.submit([TenantJob(new_id(), 'sync', run_at=timestamp(run_at), **kw)])
        self.model[job.id] = dict(status='pending', claim=None, stop=False, run_at=run_at)
        return job.id

    @rule()
    def tick(self): self.now += timedelta(seconds=1)

    @rule(target=claims, job_id=jobs, owner=owners)
    def claim(self, job_id, owner):
        m = self.model[job_id]
        row = self.store.claim(job_id, owner, self.now)
        self.moved(job_id, row, 'claim', m['status']=='pending' and m['run_at']<=self.now)
        if row: assert row.owner==owner
        return row

    @rule(job=claims, move=outs)
    def settle(self, job, move):
        "Any claim that was ever given tries to settle, valid or not"
        if job is None: return
        m = self.model[job.id]
        row = self.store.settle(job, move, self.now, retry_count=job.retry_count)
        stopped = m['stop'] and transitions[move][1]=='pending'
        self.moved(job.id, row, 'cancel' if stopped else move, m['status']=='running' and m['claim']==job.claim)

    @rule(job_id=jobs)
    def cancel(self, job_id):
        m = self.model[job_id]
        row = self.store.cancel(job_id, self.now)
        if m['status']=='running':
            assert row.status=='running' and row.cancel_requested
            m['stop'] = True
        else: self.moved(job_id, row, 'cancel', m['status']=='pending')

    @rule(job_id=jobs)
    def reset(self, job_id):
        m = self.model[job_id]
        may = m['status'] in ('failed','cancelled')
        row = self.store.reset(job_id, self.now)
        self.moved(job_id, row, 'reset', may)
        if may:
            assert row.retry_count==0 and not row.cancel_requested
            m.update(stop=False, run_at=self.now)

    @invariant()
    def rows_are_the_model_and_counts_add_up(self):
        rows,model = {o.id:(o.status, o.claim) for o in self.store.find(limit=-1)},self.model.items()
        assert rows=={k:(v['status'], v['claim']) for k,v in model}
        due = {k for k,v in model if v['status']=='pending' and v['run_at']<=self.now}
        assert set(self.store.due(self.now, -1))==due
        counts,_ = self.store.stats()
        assert counts=={s:sum(o['status']==s for o in self.model.values()) for s in statuses}

TestJobStates = JobStates.TestCase

def test_every_move_is_in_the_table():
    "Each pair of states that the table doesn't join is refused by every method, whatever the claim"
    for frm in statuses:
        for move,(may,to,_) in transitions.items():
            store = JobStore(database(':memory:'))
            job, = store.submit([TenantJob(new_id(), 'sync', status=frm, claim='c' if frm=='running' else None)])
            if move=='claim': row = store.claim(job.id, 'p1', start)
            elif move=='reset': row = store.reset(job.id, start)
            elif move=='cancel' and frm=='pending': row = store.cancel(job.id, start)
            elif move=='abandon': row = store.abandon(job, start, 'lost')
            else: row = store.settle(job, move, start)
            assert (row is not None)==(frm in may), (frm, move)
            if row: assert row.status==to

async def test_a_database_of_the_app(path):
    "A first manager in its transaction makes the table there, without a lock; a rollback journal will do as well"
    db = database(path)
    db.disable_wal()
    for end in (db.rollback, db.commit):
        db.begin()
        db.execute('CREATE TABLE t (a)')
        job_id,_ = BackgroundTaskManager(db).submit('sync', work)
        end()
    manager = BackgroundTaskManager(db)
    assert [o.id for o in manager.list_jobs()]==[job_id] and (await run(manager, work, a=1)).value=={'a':1}

@pytest.mark.parametrize('later', [False, True])
@pytest.mark.parametrize('table,cols', [('tenant_jobs', 'id, person, status'),
    ('tenant_schedules', 'name, task, weekday'), ('tenant_schedules', 'id, weekday'),
    ('tenant_schedules', ', '.join(f'c{i}' for i in range(len(schedule_columns)))),
    ('tenant_starts', 'id, day'), ('tenant_starts', 'id, day, hour')])
def test_a_table_of_the_app_is_left_alone(path, table, cols, later):
    "It has our table's name, but not its columns: a clear error, and no column more; also if there are jobs already"
    db = database(path)
    if later: manager_at(path).db.execute(f'DROP TABLE IF EXISTS {table}')
    db.execute(f'CREATE TABLE {table} ({cols})')
    def look(): return ensure_schema(db.conn) if later else BackgroundTaskManager(db)
    for _ in range(2):
        with pytest.raises(apsw.SQLError, match=f'`{table}` must be the table of .*: rename it'): look()
    with pytest.raises(apsw.SQLError), db.conn: look()
    assert [o['name'] for o in db.q(f'PRAGMA table_info({table})')]==cols.split(', ')
    there = db.q("SELECT name FROM sqlite_master WHERE name LIKE 'tenant_jobs%'")
    assert later or [o['name'] for o in there]==['tenant_jobs']*(table=='tenant_jobs')

@pytest.mark.parametrize('n', [8, 11, 17])
def test_older_tables_gain_columns(path, n):
    "A table with the first columns only, and a row in it"
    db = database(path)
    db.execute(f"CREATE TABLE tenant_jobs ({', '.join([*columns.values()][:n])})")
    db.t.tenant_jobs.insert(dict(id='old', job_type='sync', payload='{"a": 1}'))
    manager = BackgroundTaskManager(db)
    assert manager.get_job('old').kwargs=={'a':1} and manager.store.due(utcnow())==['old']
    assert manager.store.claim('old', 'p1', utcnow()).status=='running' and len(db.t.tenant_jobs()[0])==len(columns)

former = dict(status='(status)', type_status='(job_type, status)', due="(priority DESC, run_at) WHERE status='pending'")

def test_two_versions_share_a_file(manager, path):
    "An upgrade drops what only an older version needs; what that creates again stays until the next process opens it"
    conn,old = open_plain(path),{f'tenant_jobs_{o}' for o in former}
    def names(): return {o for o, in conn.execute("SELECT name FROM sqlite_master WHERE type='index'")}
    def older_version():
        for k,v in former.items(): conn.execute(f'CREATE INDEX tenant_jobs_{k} ON tenant_jobs{v}')
    conn.execute('DROP INDEX tenant_jobs_running; DROP INDEX tenant_jobs_listed')
    older_version()
    manager.submit('sync', work)
    ensure_schema(conn)
    assert {*indexes}<=names() and not names()&old
    older_version()
    ensure_schema(conn)
    assert old<=names() and manager.store.claim_due(manager.process.id, [], utcnow())
    schema._freed.clear()
    ensure_schema(conn)
    assert not names()&old and len(manager.list_jobs(status='running'))==1

def test_submit_syncs_and_later_moves_need_not(path):
    vfs = SyncVFS('counting')
    db = Database(apsw.Connection(path, vfs=vfs.name))
    db.enable_wal()
    manager = BackgroundTaskManager(db)
    def one(): return manager.submit('sync', work)[0]
    job_id = one()
    def many(): manager.submit_many('sync', work, [{}]*10)
    for f in (one, many, lambda: manager.cancel_job(one())): assert vfs.syncs(f)>0
    def run_it():
        job = manager.store.claim(job_id, 'p1', utcnow())
        manager.store.settle(job, 'complete', utcnow(), result='1')
    assert vfs.syncs(run_it)==0 and manager.get_job(job_id).status=='completed'

def test_no_question_sorts_or_searches_the_whole_table(manager):
    "The plan of every statement that a list, a claim or a worker makes: an index gives the rows in order"
    manager.submit('sync', work)
    asked,conn,store,now = [],manager.store.link.open(),manager.store,utcnow()
    store.submit([TenantJob(new_id(), 'page', batch='b')])
    member = store.claim(store.find(batch='b')[0].id, 'p1', now)
    with store.link.reading() as other: pass
    conn.exec_trace = other.exec_trace = lambda cursor, sql, args: asked.append((sql, args)) or True
    for job_type in (None, 'sync'):
        for status in (None, 'failed'): store.find(job_type=job_type, status=status)
    store.due(now)
    store.next_due('p1', ['sync'])
    store.depends_on('p1', now)
    store.orphans(['p2'], ['p2', 'p3'], ['c'], now)
    store.get('x')
    store.settle(member, 'complete', now)
    store.claim_due('p1', ['sync'], now)
    store.put_pause(Pause('mail', None, '', timestamp(now)))
    store.claim_due('p1', ['sync'], now, limits=dict(sync=Limits(2, (5, 1))))
    conn.exec_trace = other.exec_trace = None
    for sql,args in [(s,a) for s,a in asked if 'SELECT' in s and 'tenant_jobs' in s]:
        plan = [o[3] for o in conn.execute('EXPLAIN QUERY PLAN '+sql, args)]
        whole = [o for o in plan if re.match(r'SCAN (tenant_jobs|[nj])\b', o) and 'INDEX' not in o]
        sorts = [o for o in plan if 'TEMP B-TREE' in o and ':limit' not in sql] # A part of what is live, for a list
        assert not sorts and (not whole or 'ORDER BY rowid' in sql), (sql, plan)
