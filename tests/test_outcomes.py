"What an attempt leaves behind: its outcome is written once and truly, and nothing that it opened stays open"
import sys,threading

import apsw,pytest
from fastlite import database
from helpers import Call,manager_at,wait_until,work

from tenant_tasks import link

# -- one commit for several threads

@pytest.fixture
def shared(path):
    "A link to a database with a table"
    db = database(path)
    db.execute('CREATE TABLE t (a)')
    return link.link_for(db)

def put(shared, a, after=None): return shared.write(lambda conn: conn.execute('INSERT INTO t VALUES (?)', (a,)) and a, after=after)
def kept(shared):
    with shared.use() as conn: return sorted(a for a, in conn.execute('SELECT a FROM t'))

@pytest.mark.parametrize('n', [1, 3])
def test_what_follows_a_commit_undoes_nothing(shared, n, caplog):
    "What is called after the commit raises: the writes are there, and each thread hears so"
    def broken(): raise OSError('broken')
    with shared.use():
        calls = [Call(put, shared, i, broken) for i in range(n)]
        wait_until(lambda: len(shared.queue)==n, 60)
    assert [o.answer() for o in calls]==list(range(n))==kept(shared)
    assert len([o for o in caplog.records if 'follows a commit' in o.getMessage()])==n

class Interrupted(BaseException): pass

def interrupted_at(n, code, f):
    "Call `f`, with an `Interrupted` where Python looks for signals, after the n-th call that a function makes: is there one?"
    seen = []
    def profile(frame, event, arg):
        made = frame if event=='c_return' else frame.f_back if event=='return' else None
        if made is None or made.f_code is not code: return
        seen.append(1)
        if len(seen)==n: raise Interrupted
    sys.setprofile(profile)
    try: f()
    except Interrupted: pass
    finally: sys.setprofile(None)
    return len(seen)>=n

@pytest.mark.parametrize('where', ['write', '_follow'])
def test_ctrl_c_leaves_no_queue_without_a_leader(shared, where):
    "Wherever it comes, other threads write on"
    code,n = getattr(link.DbLink, where).__code__,0
    assert put(shared, 0)==0
    def alone(): put(shared, n)
    def behind():
        shared.lock.acquire()
        first = Call(put, shared, -n)
        wait_until(lambda: len(shared.queue)==1, 60)
        threading.Timer(.02, shared.lock.release).start()
        alone()
        first.answer()
    for f in (alone, behind):
        n = 1
        while interrupted_at(n, code, f):
            assert Call(put, shared, 0).answer()==0 and not shared.queue and not shared.lock.locked(), (f, n)
            n += 1
    assert n>1
