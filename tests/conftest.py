"Fixtures for all tests: a fresh database, a clock that only the test moves, and the log"
import logging,pytest
from fastlite import database
from hypothesis import settings
from helpers import manager_at,ran
from web import Site

from tenant_tasks.fleet.tenants import Tenants
from tenant_tasks.run.process import this_process
from tenant_tasks.testing import Clock

settings.register_profile('quick', max_examples=10, stateful_step_count=20, deadline=None, derandomize=True)
settings.register_profile('all', max_examples=60, stateful_step_count=40, deadline=None)

def pytest_configure(config): settings.load_profile('all' if config.getoption('--all') else 'quick')

@pytest.fixture(autouse=True)
def own_claims():
    "What one test leaves claimed in this process isn't there for the next, nor what it ran"
    yield
    this_process.claims.clear()
    ran.clear()

@pytest.fixture
def path(tmp_path): return str(tmp_path/'acme.db')

@pytest.fixture
def clock(): return Clock()

@pytest.fixture
def manager(path, clock): return manager_at(path, clock)

@pytest.fixture
def site(tmp_path, clock): return Site(tmp_path, clock)

@pytest.fixture
def tenants(tmp_path):
    "Three of them, in a directory"
    for o in ('acme', 'globex', 'initech'): database(tmp_path/f'{o}.db')
    return Tenants(tmp_path)

@pytest.fixture
def logs(caplog):
    "The messages of the package's log at a level"
    caplog.set_level(logging.DEBUG, logger='tenant_tasks')
    return lambda level: [o.getMessage() for o in caplog.records if o.name=='tenant_tasks' and o.levelname==level]
