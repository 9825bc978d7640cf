"Many databases by name: no name leads out of the directory, few stay open, and a look reads only what has changed"
import os,time
from pathlib import Path

import pytest
from fastlite import database
from helpers import work
from hypothesis import HealthCheck,given,settings,strategies as st

from tenant_tasks.job import utcnow
from tenant_tasks.tenants import BadTenantName,Overview,TenantMap,TenantNotFound,Tenants,as_tenants

@pytest.fixture
def tenants(tmp_path):
    (tmp_path/'data').mkdir()
    database(tmp_path/'outside.db')
    return Tenants(tmp_path/'data')

# -- names

bad_names = ['', '.', '..', '.hidden', '-x', '_x', 'a b', 'a/b', 'a\\b', '../outside', '..\\outside', '/etc/passwd', 'acme/../../outside',
    'a\0', 'acme\n', '\nacme', 'ä', 'ａｃｍｅ', 'a'*101, 'a%2fb', '~', '*', 'a:b', None, 7, True, b'acme', Path('acme'), ['acme'], ('a',)]

@pytest.mark.parametrize('name', bad_names, ids=repr)
def test_what_can_not_be_a_name(tenants, tmp_path, name):
    "Each way to a tenant refuses the name, and makes nothing"
    for f in (tenants.file, tenants.create, tenants.has_jobs, lambda o: tenants[o]):
        with pytest.raises((BadTenantName, TypeError)): f(name)
    with pytest.raises(BadTenantName) as e: tenants.file(name)
    assert isinstance(e.value, (ValueError, TenantNotFound)) and str(e.value).endswith(f', got {name!r}')
    assert os.listdir(tmp_path/'data')==[]

@given(name=st.one_of(st.text(), st.text('./\\ab\0\n-_~', max_size=8), st.from_regex(r'[\w./-]{1,8}')))
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_of_any_kind_stays_in_the_directory(tenants, name):
    try: path = tenants.file(name)
    except BadTenantName: return
    assert os.path.dirname(os.path.realpath(path))==os.path.realpath(tenants.path) and os.path.basename(path)==f'{name}.db'
    assert name.isascii() and name.isprintable() and len(name)<=100 and name[0].isalnum()

@pytest.mark.parametrize('name', ['acme', 'A-1', 'a.b', '0', 'x'*100, 'acme.db', 'a..b'])
def test_what_can_be_a_name(tenants, name):
    manager = tenants.create(name)
    assert list(tenants)==[name] and tenants.name_of(manager)==name and tenants[name] is manager

def test_asking_makes_no_tenant(tenants, tmp_path):
    with pytest.raises(TenantNotFound, match="no tenant 'acme' in"): tenants['acme']
    assert os.listdir(tmp_path/'data')==[] and list(tenants)==[]

def test_other_files_are_no_tenants(tenants, tmp_path):
    "Files with names that no tenant can have, other files, and directories"
    database(tmp_path/'data'/'a b.db')
    (tmp_path/'data'/'folder.db').mkdir()
    (tmp_path/'data'/'notes.txt').write_text('notes')
    manager = tenants.create('acme')
    manager.submit('sync', work)
    assert list(tenants)==['acme']==tenants.changed({})

@pytest.mark.parametrize('kind', ['dict', 'function'])
def test_own_mapping_lookup(tmp_path, kind):
    dbs = {'red':database(tmp_path/'red.sqlite')}
    tenants = TenantMap(dbs) if kind=='dict' else TenantMap(dbs.__getitem__, names=lambda: list(dbs))
    assert list(tenants)==['red'] and tenants.file('red')==os.path.realpath(tmp_path/'red.sqlite')
    for name in ('green', '../red', None):
        with pytest.raises(TenantNotFound): tenants[name]

def test_what_can_not_be_tenants(tmp_path):
    with pytest.raises(TypeError, match='`tenants` must be Tenants, a directory, a dict of databases, or .*, got 7'): as_tenants(7)
    with pytest.raises(NotADirectoryError, match='`path` must be a directory of tenants, got '): as_tenants(str(tmp_path/'nowhere'))
    with pytest.raises(ValueError, match='`max_open` must be an int ≥ 1, got 0'): Tenants(tmp_path, max_open=0)

# -- open databases and changed ones

def test_the_least_recently_used_is_closed_first(tmp_path):
    tenants = Tenants(tmp_path, max_open=2)
    first,second = tenants.create('a'),tenants.create('b')
    assert tenants['a'] is first
    tenants.create('c')
    assert tenants['a'] is first and tenants['b'] is not second

def test_a_look_tells_what_was_written_to(tmp_path):
    "New tenants, the latest write first, then only those that were written to since the last look"
    tenants,seen = Tenants(tmp_path),{}
    for o in 'abc':
        tenants.create(o).submit('sync', work)
        time.sleep(.01)
    assert tenants.changed(seen)==['c', 'b', 'a']
    time.sleep(.1) # A change just before a look is reported twice, so that none is missed
    tenants.changed(seen)
    assert tenants.changed(seen)==[]
    tenants['b'].submit('sync', work)
    assert tenants.changed(seen)==['b']

# -- health

def test_the_worst_first(tmp_path):
    "Many tenants, some failed, some late, one broken, one that comes and one that goes; a call reads only what has changed"
    tenants = Tenants(tmp_path)
    for i in range(30): tenants.create(f't{i:02}').submit('sync', work)
    for o,n in (('t07', 3), ('t11', 1)):
        for _ in range(n):
            job = tenants[o].store.claim(tenants[o].submit('sync', work, 1)[0], 'p', utcnow())
            tenants[o].store.settle(job, 'fail', utcnow())
    overview = Overview(tenants)
    assert [o.name for o in overview.health(30)][:3]==['t07', 't11', 't00']
    time.sleep(.1)
    overview.health(30)
    asked = []
    read = Overview._read
    overview._read = lambda name: asked.append(name) or read(overview, name)
    tenants['t20'].submit('sync', work)
    (tmp_path/'broken.db').write_text('no database '*200)
    (tmp_path/'t29.db').unlink()
    names = [o.name for o in overview.health(30)]
    assert names[0]=='broken' and 't29' not in names and set(asked)<={'t20','broken','t29'} and 't20' in asked
    (tmp_path/'broken.db').unlink()
    tenants.create('broken')
    assert overview.health(30)[-1].error==''
    few = Overview(tenants)
    few.health(0)
    assert len(few.known)+len(few.todo)==30
