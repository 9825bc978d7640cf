__version__ = "0.1.0"
from .job import *
from .retry import *
from .store import *
from .owner import *
from .task import *
from .manager import *
from .worker import *
from .ui import *
