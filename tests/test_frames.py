"How much code one job goes through: counts of calls, not times"
import asyncio,sys

import apsw,pytest
from helpers import manager_at,root

from tenant_tasks.jobs.task import task

package = str(root/'tenant_tasks')

@task(name='f.noop')
def noop(): pass

class Calls:
    "Our functions that were called, in any thread, and the deepest way from `settle` to SQLite"
    def __init__(self): self.names,self.deepest = [],[]

    def __call__(self, frame, event, arg):
        if event=='call' and frame.f_code.co_filename.startswith(package): self.names.append(frame.f_code.co_name)
        if event!='c_call' or not isinstance(getattr(arg, '__self__', None), apsw.Connection): return
        way = []
        while frame and (not way or way[-1]!='settle'):
            if frame.f_code.co_filename.startswith(package): way.append(frame.f_code.co_name)
            frame = frame.f_back
        if way and way[-1]=='settle' and len(way)>len(self.deepest): self.deepest = way

@pytest.fixture
def calls(monkeypatch):
    def count(f):
        res,before = Calls(),sys.getprofile()
        sys.setprofile(res)
        try: f()
        finally: sys.setprofile(before)
        return res
    return count

def test_one_job(path, calls, monkeypatch):
    "Submitted, run and settled by its background task"
    manager = manager_at(path)
    for o in ('_tasks', '_limits'): monkeypatch.setattr(f'tenant_tasks.jobs.task.{o}', {}) # Those of other tests
    task(noop)
    manager.submit('warm', noop)
    async def in_this_thread(self, f, *args): return f(*args)
    monkeypatch.setattr('tenant_tasks.run.process.ThreadLimit.run', in_this_thread)
    asyncio.run(manager.submit('warm', noop)[1]())
    jobs = []
    submitted = calls(lambda: jobs.append(manager.submit('noop', noop)))
    ran = calls(lambda: asyncio.run(jobs[0][1]()))
    print(f'submit {len(submitted.names)} calls, bg_task {len(ran.names)}, settle to SQLite {ran.deepest[::-1]}')
    assert manager.get_job(jobs[0][0]).status=='completed'
    assert len(submitted.names)<=65 and len(ran.names)<=170 and len(ran.deepest)<=6
