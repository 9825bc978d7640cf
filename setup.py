"Hand `settings.ini` to setuptools; name, description and Python version stand in `pyproject.toml`, the version in the package"
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

root = Path(__file__).parent
cfg = ConfigParser()
cfg.read(root/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
def lines(key): return [o.strip() for o in cfg.get(key, '').splitlines() if o.strip()]

version = re.search(r'^__version__ = "(.+)"', (root/'tenant_tasks/__init__.py').read_text(encoding='utf-8'), re.M)[1]
extras = {k.removesuffix('_requirements'): lines(k) for k in cfg if k.endswith('_requirements')}
points = dict(console_scripts=lines('console_scripts'), nbdev=['tenant_tasks = tenant_tasks._modidx:d'])
setup(version=version, author=cfg['author'], author_email=cfg['author_email'], license=cfg['license'], keywords=cfg['keywords'].split(),
    classifiers=lines('classifiers'), packages=['tenant_tasks'], package_data=dict(tenant_tasks=['*.css']),
    install_requires=lines('requirements'), extras_require=extras, entry_points=points,
    long_description=(root/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown')
