"""Hand `settings.ini` to setuptools; name, description and Python version stand in `pyproject.toml`, the version in the package.

A build on GitHub knows its repository: the package then has project URLs, and the README's links work on a package index too.
"""
import os,re
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages,setup

root = Path(__file__).parent
cfg = ConfigParser()
cfg.read(root/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']
def lines(key): return [o.strip() for o in cfg.get(key, '').splitlines() if o.strip()]

repo = os.environ.get('GITHUB_REPOSITORY', '')
home = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repo}"
urls = dict(Source=home, Changelog=f'{home}/blob/main/CHANGELOG.md', Issues=f'{home}/issues') if repo else {}
readme = (root/'README.md').read_text(encoding='utf-8')
if repo: readme = re.sub(r'\]\((?!https?:|#)([^)]+)\)', lambda m: f"]({home}/{'raw' if m[1].endswith('.png') else 'blob'}/main/{m[1]})", readme)

version = re.search(r'^__version__ = "(.+)"', (root/'tenant_tasks/__init__.py').read_text(encoding='utf-8'), re.M)[1]
extras = {k.removesuffix('_requirements'): lines(k) for k in cfg if k.endswith('_requirements')}
points = dict(console_scripts=lines('console_scripts'), nbdev=['tenant_tasks = tenant_tasks._modidx:d'])
setup(version=version, author=cfg['author'], author_email=cfg['author_email'], license=cfg['license'], keywords=cfg['keywords'].split(),
    classifiers=lines('classifiers'), packages=find_packages(include=['tenant_tasks*']), package_data=dict(tenant_tasks=['*.css', '*.js', '*.pyi', 'py.typed']),
    install_requires=lines('requirements'), extras_require=extras, entry_points=points,
    project_urls=urls, long_description=readme, long_description_content_type='text/markdown')
