"Rows about the cost of one job: submit, run"
from huey import SqliteHuey

from bare import Bare
from rates import app_db,huey_rate,locked,our_rate,threaded_rate
from rows import line,row
from tasks import noop
from tenant_tasks import BackgroundTaskManager

full = 'both FULL'

def threaded_submits(b, n, ours, **theirs):
    "Lines about submits from 16 threads"
    got = b.interleave(**{k:lambda f=f: threaded_rate(f, n) for k,f in dict(theirs, ours=ours).items()})
    sides = dict(bare='bare commits, one after another', fsync='SqliteHuey(fsync=True)')
    about = dict(unit='submits/s', durable=full)
    return [line('submit, 16 threads', got['ours'], got[k], against=sides[k], **about) for k in theirs]

@row
def submit(b):
    "`submit` against a bare apsw commit of a row with the same columns (WAL), and against putting a task into SqliteHuey; alone, and from 16 threads"
    folder = b.dir()
    manager,bare,indexed = BackgroundTaskManager(app_db(folder)),Bare(folder),Bare(b.dir(), indexes=True)
    hueys = {o:SqliteHuey(filename=str(folder/f'huey{o}.db'), fsync=o) for o in (True, False)}
    tasks = {k:v.task()(lambda: None) for k,v in hueys.items()}
    def ours(): return manager.submit('noop', noop)
    theirs = dict(bare=bare.submit, indexed=indexed.submit, fsync=tasks[True], nosync=tasks[False])
    res = b.calls(b.n(500, 50), ours=ours, **theirs)
    sides = dict(bare='bare commit', indexed='bare commit, table with our indexes',
        fsync='SqliteHuey(fsync=True)', nosync='SqliteHuey(fsync=False)')
    def against(k): return dict(against=sides[k], unit='µs', durable='ours FULL, theirs OFF' if k=='nosync' else full)
    budgets = dict(bare=('<=', 1.35))
    lines = [line('submit', res['ours'], res[k], **against(k), budget=budgets.get(k)) for k in sides]
    return lines+threaded_submits(b, b.n(4000, 160), ours=ours, bare=locked(bare.submit), fsync=tasks[True])

@row
def run(b):
    "Submit, run and settle no-op jobs, at 1 and 8 workers, against SqliteHuey's thread workers and against the bare commits of a job"
    n,res = b.n(1000, 100),[]
    for first,what in ((False, 'submit and run'), (True, 'run what is there')):
        for workers in (1, 8):
            def ours(): return our_rate(b.dir(), n, workers, first)
            def huey(fsync): return lambda: huey_rate(b.dir(), n, workers, fsync, first)
            got = b.interleave(ours=ours, fsync=huey(True), nosync=huey(False), bare=lambda: Bare(b.dir()).rate(n))
            name = f"{what}, {workers} worker{'s'*(workers>1)}"
            def against(k, text, durable, **kw):
                res.append(line(name, got['ours'], got[k], unit='jobs/s', against=text, durable=durable, **kw))
            against('fsync', 'SqliteHuey(fsync=True)', 'ours FULL, NORMAL, NORMAL; theirs FULL, FULL',
                budget=('>=', 2 if first else 1.4))
            against('nosync', 'SqliteHuey(fsync=False)', 'ours FULL, NORMAL, NORMAL; theirs OFF')
            if not first: against('bare', 'bare commits', 'both FULL, NORMAL, NORMAL', budget=('>=', .65))
    return res
