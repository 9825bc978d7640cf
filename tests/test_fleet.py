"A simulated worker process drives the real agenda: what must hold for any tenants, jobs and illnesses"
import json,sys
from dataclasses import asdict

import pytest
from helpers import root,slow

sys.path.append(str(root/'benchmarks'))
from fleet import Setting,SimProcess

def load(name): return json.loads((root/f'benchmarks/{name}.json').read_text(encoding='utf-8'))

stored = load('fleet')
prices = stored['costs']

@pytest.mark.parametrize('floods', [40, *slow(4, 150)])
def test_a_light_tenant_waits_for_turns_not_for_jobs(floods):
    "A tenant behind n others waits for n/places turns, and those that flood aren't before a fresh one"
    s = Setting(tenants=1000, seconds=20, floods=floods, flood_jobs=12_000//floods, rate=1/60, most=1/60, job_ms=5)
    p = SimProcess(s, prices).run()
    flood = [o for o in p.jobs if o.tenant in p.flooders and o.secs==s.flood_ms/1e3]
    begin,end = min(o.arrived for o in flood),max(o.started for o in flood)
    light = [o for o in p.jobs if o.tenant not in p.flooders and begin<o.arrived<end]
    longest = max(o.secs for o in p.jobs)
    dear = max(prices[k]['us'] for k in ('job', 'look', 'open'))/1e6
    turn = p.agenda.quantum+longest+s.places*dear+p.agenda.merge
    assert len(light)>=10
    for o in light: assert o.started-o.arrived<=turn*(1+(o.ahead+1)//s.places), o
    assert max(o.started-o.arrived for o in light)<=2*turn

# -- the run of a million tenants, which is kept

def test_the_stored_run_is_whole():
    assert stored['tenants']==1_000_000 and stored['processes']==100
    assert stored['accepted']==stored['served']>1_000_000
    assert stored['setting']==json.loads(json.dumps(asdict(Setting()))), 'run benchmarks/fleet.py again'
    assert stored['most_turns']['most']==20 and stored['most_of_one']['most']==5
    w,us = stored['waits'],stored['agenda']['turn_us']
    assert w['light']['p99']<20 and w['light, beside floods']['p99']<100
    assert w['light, beside ill ones']['p99']<=w['light']['p99']+1
    assert us['10000']<3*us['100'] and us['1000000']<5*us['100'] and stored['agenda']['tenant_bytes']<1000
