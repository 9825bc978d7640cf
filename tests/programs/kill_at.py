"Back up or restore a tenant again and again, each time in a child that kills itself a line or two later"
import json,os,shutil,signal,sys
from pathlib import Path

import apsw

from tenant_tasks.ops.backup import backup,restore

code = {sys.modules[f'tenant_tasks.{o}'].__file__ for o in ('ops.backup','db.store','db.claims','db.queue','db.link')}

def trace_until(n):
    left = n
    def trace(frame, event, arg):
        nonlocal left
        if frame.f_code.co_filename not in code: return None
        if event=='line':
            left -= 1
            if left<0: os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

def act(what, folder):
    if what=='backup': return [o.state for o in backup(folder/'data', folder/'copies', clock=lambda: 4e9)]
    return [o.error for o in restore(folder/'copies', folder/'data', paused=what=='paused')]

def look(path):
    "What a database holds, after SQLite has found no mistake in it"
    if not path.exists(): return 'nothing'
    conn = apsw.Connection(str(path))
    try:
        (found,), = conn.execute('PRAGMA integrity_check')
        return found if found!='ok' else ' '.join(sorted(o for o, in conn.execute('SELECT DISTINCT text FROM notes')))
    finally: conn.close()

def attempt(what, models, folder, n):
    "What both directories hold after a kill before line `n`, and after the next try; None if it came to its end"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(models, folder)
    pid = os.fork()
    if not pid:
        trace_until(n)
        act(what, folder)
        os._exit(0)
    if not os.waitpid(pid, 0)[1]: return None
    files = folder/'data/acme.db',folder/'copies/acme.db'
    killed = [look(o) for o in files]
    again = act(what, folder)
    rest = sorted(o.name for f in files for o in f.parent.iterdir() if o.name.endswith('.new'))
    return killed,again,[look(o) for o in files],rest

if __name__=='__main__':
    what,models,folder = sys.argv[1],Path(sys.argv[2]),Path(sys.argv[3])
    res = []
    step = 1 if what=='backup' else 2 # Both ways of restoring have most lines in common
    while (found := attempt(what, models, folder, step*len(res)+(what=='paused'))) is not None: res.append(found)
    print(json.dumps(res))
