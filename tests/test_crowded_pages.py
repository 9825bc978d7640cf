"Many open pages of one tenant, and what another tenant notices of them"
import json,threading,time
from datetime import timedelta
from statistics import quantiles

import httpx
from helpers import serving

from tenant_tasks.job import *
from tenant_tasks.store import *
from tenant_tasks.tenants import *

def heaviest(manager):
    "A running job with a megabyte of arguments, a full error log, a hundred steps and a thousand lines of its log: its id"
    now,big = utcnow(),json.dumps(dict(text='some words '*90_000))
    error = None
    for i in range(20): error = add_error(error, i+1, now-timedelta(minutes=i), 'ValueError: no such thing\n'*400)
    job = TenantJob(new_id(), 'heavy', 'running', big, big, error, 20, 50, created_at=timestamp(now), started_at=timestamp(now),
        owner='x~y~1~00000000', claim='c', lease_until=timestamp(now+timedelta(hours=1)), progress=.5, progress_note='half of it')
    manager.store.submit([job])
    def fill(conn):
        steps = [(job.id, f'step{i}', 'step', timestamp(now), 'c', json.dumps('x'*2000)) for i in range(100)]
        lines = [(job.id, i, 1, timestamp(now), f'line {i}') for i in range(1000)]
        conn.executemany('INSERT INTO tenant_steps VALUES (?,?,?,?,?,?)', steps)
        conn.executemany('INSERT INTO tenant_job_log VALUES (?,?,?,?,?)', lines)
    manager.store.write(fill)
    return job.id

def ask(base, path, times, secs, pause):
    "Ask for a page again and again, and note how long each answer takes"
    with httpx.Client(base_url=base, follow_redirects=True, timeout=20) as client:
        client.get('/as/read')
        end = time.monotonic()+secs
        while time.monotonic()<end:
            start = time.monotonic()
            assert client.get(path).status_code in (200, 204)
            times.append(time.monotonic()-start)
            time.sleep(pause)

def test_twenty_tabs_on_the_heaviest_job(tmp_path):
    "They ask for its whole page at each request, as if all had changed; the page of another tenant answers in time all the same"
    with serving('live_app', tmp_path, '') as (proc,get):
        tenants,base = Tenants(tmp_path),get('address')
        job_id = heaviest(tenants['acme'])
        for i in range(60): tenants['globex'].store.submit([TenantJob(new_id(), 'light', 'completed', '{"n": 1}', created_at=timestamp(utcnow()))])
        parts = '&'.join(f'p={o}:{job_id}%20' for o in ('page','details','log'))
        tabs,other = [],[]
        threads = [threading.Thread(target=ask, args=(base, f'/jobs/~live?{parts}', tabs, 3.5, 1.5)) for _ in range(20)]
        for o in threads: o.start()
        ask(base, '/ops/globex', other, 3, .05)
        for o in threads: o.join()
    p50,p99 = quantiles(other, n=100)[49],quantiles(other, n=100)[98]
    print(f'{len(tabs)} answers to tabs, {len(other)} to the other tenant: p50 {p50*1000:.0f} ms, p99 {p99*1000:.0f} ms')
    assert len(tabs)>=10 and len(other)>=5 and p50<1 and p99<2.5
