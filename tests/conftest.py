"Fixtures for all tests: a fresh database, a clock in the test's hands, and the log"
import logging,pytest
from helpers import Clock,manager_at

@pytest.fixture
def path(tmp_path): return str(tmp_path/'acme.db')

@pytest.fixture
def clock(): return Clock()

@pytest.fixture
def manager(path, clock): return manager_at(path, clock)

@pytest.fixture
def logs(caplog):
    caplog.set_level(logging.DEBUG, logger='tenant_tasks')
    return lambda level: [o.getMessage() for o in caplog.records if o.name=='tenant_tasks' and o.levelname==level]
