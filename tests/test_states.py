"A state machine drives `JobStore` with several owners at once, and compares every answer with the transition table"
from datetime import datetime,timedelta,timezone

from fastlite import database
from hypothesis import settings,strategies as st
from hypothesis.stateful import Bundle,RuleBasedStateMachine,invariant,rule

from tenant_tasks import JobStore,TenantJob,ended,new_id,statuses,timestamp,transitions

owners = st.sampled_from(['p1', 'p2', 'p3'])
outs = st.sampled_from([k for k,(frm,to,_) in transitions.items() if 'running' in frm])
start = datetime(2026, 11, 23, tzinfo=timezone.utc)

class JobStates(RuleBasedStateMachine):
    "A model of each job (status, valid claim, asked to stop) beside the real rows"
    jobs,claims = Bundle('jobs'),Bundle('claims')

    def __init__(self):
        super().__init__()
        self.store,self.model,self.now = JobStore(database(':memory:')),{},start

    def moved(self, job_id, row, move, may, to=None):
        "The store answered `row`; the table says whether the move may be made, and where it leads"
        m = self.model[job_id]
        if not may: assert row is None, f'{move} out of {m} was allowed'
        else:
            assert row.status==(to or transitions[move][1]) and m['status'] in transitions[move][0]
            m.update(status=row.status, claim=row.claim)
            assert (row.claim is not None)==(row.status=='running')
            assert (row.completed_at is not None)==(row.status in ended)

    @rule(target=jobs, delay=st.integers(0, 2))
    def submit(self, delay):
        run_at = self.now+timedelta(seconds=delay)
        job, = self.store.submit([TenantJob(new_id(), 'sync', created_at=timestamp(self.now), run_at=timestamp(run_at))])
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
    def rows_are_the_model(self):
        rows = {o.id:o for o in self.store.find(limit=-1)}
        assert {k:(v['status'], v['claim']) for k,v in self.model.items()}=={k:(v.status, v.claim) for k,v in rows.items()}
        due = {k for k,v in self.model.items() if v['status']=='pending' and v['run_at']<=self.now}
        assert set(self.store.due(self.now, -1))==due

    @invariant()
    def counts_add_up(self):
        counts,_ = self.store.stats()
        assert counts=={s:sum(o['status']==s for o in self.model.values()) for s in statuses}

TestJobStates = JobStates.TestCase
TestJobStates.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)

def test_every_move_is_in_the_table():
    "Each pair of states that the table doesn't join is refused by every method, whatever the claim"
    for frm in statuses:
        for move,(may,to,_) in transitions.items():
            store = JobStore(database(':memory:'))
            job, = store.submit([TenantJob(new_id(), 'sync', status=frm, claim='c' if frm=='running' else None)])
            if move=='claim': row = store.claim(job.id, 'p1', start)
            elif move=='reset': row = store.reset(job.id, start)
            elif move=='cancel' and frm=='pending': row = store.cancel(job.id, start)
            else: row = store.settle(job, move, start)
            assert (row is not None)==(frm in may), (frm, move)
            if row: assert row.status==to
