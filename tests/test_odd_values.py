"Odd values and names: in results, arguments, filters, logs and the registration of tasks"
import json,logging
from datetime import timedelta
from io import StringIO

import pytest
from helpers import run,work

from tenant_tasks.attempt import begin,current_job
from tenant_tasks.job import BadPayload,JobList,dump_kwargs,dump_result
from tenant_tasks.retry import Cancel,Snooze,to_delta
from tenant_tasks.task import find_task,task,task_name

def nested(n):
    res = 1
    for _ in range(n): res = [res]
    return res

# -- values

class Rude:
    "Raises whatever it is asked"
    def __init__(self, e): self.e = e
    def __repr__(self): raise self.e

class RudeDict(dict):
    def items(self): raise SystemExit('bye')

@pytest.mark.parametrize('value', [Rude(KeyboardInterrupt()), Rude(SystemExit(1)), RudeDict(a=1)])
async def test_whatever_a_result_raises_the_job_is_completed(manager, value):
    def returns(): return value
    assert (await run(manager, returns)).status=='completed'

async def test_a_backoff_that_raises_whatever_ends_no_worker(path, manager):
    def hasty(n): raise KeyboardInterrupt
    @task(name='odd.hasty', backoff=hasty)
    def fails(): raise OSError('no route to host')
    manager.submit('hasty', fails)
    assert begin(manager.claim).row.status=='pending'

def test_what_is_written_can_be_read(manager):
    "Also where the call of `json.loads` is already deep"
    text,note = dump_result(nested(300))
    assert isinstance(json.loads(text), str) and '100 levels' in note
    assert dump_result(nested(100))[1]=='' and dump_result([[i] for i in range(500)])[1]==''
    for o in (101, 5000):
        with pytest.raises(BadPayload, match='100 levels'): dump_kwargs(dict(tree=nested(o)))
    circle = []
    circle.append(circle)
    with pytest.raises(BadPayload): dump_kwargs(dict(circle=circle))

async def test_a_sum_of_shares_is_a_progress(manager):
    def sums():
        for o in (1.0000000000000007, -1e-17, 1): current_job().progress(o)
    assert (await run(manager, sums)).progress==1

@pytest.mark.parametrize('make', [to_delta, Snooze])
def test_no_number_is_too_large_for_a_clear_error(manager, make):
    with pytest.raises(ValueError, match='a wait must be'): make(10**400)
    with pytest.raises(ValueError, match='a wait must be'): manager.using(delay=10**400)

async def test_prune_takes_all_that_has_ended_when_the_clock_stands(manager):
    await run(manager, work)
    assert manager.prune(timedelta(0))==1

# -- parameters

def test_a_parameter_that_submit_takes_is_refused(manager):
    def crawl(url, max_retries=1): pass
    with pytest.raises(TypeError, match='must not be a parameter of `task_func` too'): manager.submit('crawl', crawl, url='x', max_retries=9)
    job_id,_ = manager.submit('crawl', crawl, url='x')
    pairs = manager.submit_many('crawl', crawl, [dict(url='x', max_retries=9)])
    assert [manager.get_job(o).max_retries for o in (job_id, pairs[0][0])]==[3, 3]

def test_a_parameter_that_schedule_takes_is_refused(manager):
    @task(name='odd.zone')
    def report(tz='UTC', every=1): pass
    for kw in (dict(tz='Europe/Berlin', cron='0 7 * * *'), dict(every=60)):
        with pytest.raises(TypeError, match='must not be a parameter of `func` too'): manager.schedule('report', report, **kw)
    assert manager.schedule('report', report, cron='0 7 * * *')

@pytest.mark.parametrize('call', ['find', 'count', 'glances'])
def test_an_unknown_filter_is_refused(manager, call):
    with pytest.raises(TypeError, match="a filter must be one of .*, got 'stauts'"): getattr(manager.store, call)(stauts='failed')

# -- two functions behind one name

def bare(f):
    "A decorator without functools.wraps"
    def wrapper(): return f()
    return wrapper

def test_two_functions_behind_one_decorator_are_refused():
    def alpha(): return 'a'
    def beta(): return 'b'
    task(bare(alpha))
    with pytest.raises(ValueError, match='functools.wraps'): task(bare(beta))
    assert find_task('wrapper').func()=='a' and task_name(bare(beta)) is None

def test_functions_of_a_loop_are_refused():
    with pytest.raises(ValueError, match='must be unique'):
        for o in 'ab':
            @task(name='odd.default')
            def with_default(o=o): pass
    def make(o):
        @task(name='odd.closure')
        def with_closure(): return o
    make('a')
    make('a') # The same again
    with pytest.raises(ValueError, match='must be unique'): make('b')

def test_a_cell_can_run_again():
    "The decorator stands in a cell of its own; the function that has it is compiled anew each time"
    there = dict(__name__='__main__', task=task)
    exec('def bare(f):\n    def cell_wrapper(): return f()\n    return cell_wrapper', there)
    for o in 'abb': exec(f'@task\n@bare\ndef alpha(): return {o!r}', there)
    assert find_task('cell_wrapper').func()=='b'

def test_functions_that_call_themselves_are_compared():
    def make():
        def a(): return b()
        def b(): return a()
        return a
    for _ in range(2): task(make(), name='odd.mutual')

# -- the log and tables

forged = 'mail\r\nERROR tenant_tasks all is lost\x1b[2J\u2028x'

@pytest.fixture
def lines():
    "The lines of the package's log, as a file gets them"
    out,logger = StringIO(),logging.getLogger('tenant_tasks')
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield lambda: out.getvalue().splitlines()
    logger.removeHandler(handler)
    logger.setLevel(level)

@pytest.mark.parametrize('e', [OSError(forged), Cancel(forged), Snooze(60, forged), Rude(ValueError())])
def test_nothing_forges_a_line_of_the_log(manager, lines, e):
    def fails():
        if isinstance(e, BaseException): raise e
        return e
    job_id,_ = manager.submit(forged, fails, 1)
    begin(lambda: manager.claim(job_id))
    found = lines()
    assert found and all(o.startswith(('DEBUG job', 'WARNING job', 'ERROR job', '  ')) for o in found), found

def test_an_error_without_text_is_logged(lines):
    class Mute(Exception):
        def __str__(self): raise KeyboardInterrupt
    logging.getLogger('tenant_tasks').warning('failed: %s', Mute())
    assert lines()==['WARNING failed: <Mute whose str raises KeyboardInterrupt>']

def test_a_cell_of_a_notebooks_table_is_one_line(manager):
    manager.submit('a\rb\x0bc\u2028d\ne', work)
    assert len(JobList(manager.list_jobs())._repr_markdown_().splitlines())==3
