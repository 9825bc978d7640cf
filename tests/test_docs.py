"The pages for people and for language models: exported, clean, in step with the package, and without a dead link"
import ast,json,os,re,shutil,subprocess
from functools import cache
from urllib.parse import unquote

import pytest,yaml
from helpers import program,repo_files,root,slow

notebooks = sorted(o for o in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in o.parts)
folders = 'tutorials', 'howto', 'reference', 'explains'

def read(path): return json.loads(path.read_text(encoding='utf-8'))

def test_quarto_config_is_one_file():
    "And its sidebar lists each page"
    link = root/'nbs/_quarto.yml'
    if (root/'.git').exists(): assert os.readlink(link)=='../_quarto.yml'
    else: assert link.read_text()==(root/'_quarto.yml').read_text() # A source archive has a copy
    listed = {*re.findall(r'[\w/]+\.ipynb', (root/'_quarto.yml').read_text())}
    assert sorted(listed)==sorted(str(o.relative_to(root/'nbs')) for o in notebooks)

def test_furniture_of_the_site():
    "Pictures that each page refers to exist, and chapters of the inside have a sidebar of their own"
    site = yaml.safe_load((root/'_quarto.yml').read_text())['website']
    assert all((root/'nbs'/site[o]).exists() for o in ('favicon', 'image'))
    guide,made = (re.findall(r'[\w/]+\.\w+', str(o['contents'])) for o in site['sidebar'])
    inside = {o.parent.name for o in (root/'tenant_tasks').rglob('*.py')}
    assert not [o for o in guide if o.split('/')[0] in inside] and not [o for o in made if o.startswith('howto')]
    assert (root/'nbs/changelog.md').read_text()==(root/'CHANGELOG.md').read_text()

# -- links

def shown(nb):
    "What a reader sees of a notebook, as Markdown: its prose, and outputs that are Markdown"
    parts = []
    for c in nb['cells']:
        if c['cell_type']=='markdown': parts.append(''.join(c['source']))
        data = [o.get('data', {}) for o in c.get('outputs', [])]
        parts += [''.join(o['text/markdown']) for o in data if 'text/markdown' in o]
    return '\n\n'.join(parts)

@cache
def anchors(text):
    "The ids in a page as Pandoc makes them, and so Quarto"
    pypandoc = pytest.importorskip('pypandoc')
    html = pypandoc.convert_text(text, 'html', 'markdown')
    return set(re.findall(r'<(?:h\d|section|div|span|a)\b[^>]* id="([^"]+)"', html))

def links_in(text): return re.findall(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)', re.sub(r'```.*?```', '', text, flags=re.S))

def leads_nowhere(path, link, with_anchor):
    "Does a link on the page of a notebook lead to no file or, if that is asked, to no heading?"
    page,_,anchor = unquote(link).partition('#')
    if page.startswith('http'): return not page.startswith('https://')
    if page.startswith('/blob/'): return not (root/page.split('/', 3)[3]).exists()
    there = (path.parent/page).resolve() if page else path
    return not there.exists() or bool(with_anchor and anchor) and anchor not in anchors(shown(read(there)))

@pytest.mark.parametrize('with_anchor', [False, pytest.param(True, marks=pytest.mark.slow)])
def test_links_lead_somewhere(with_anchor):
    "To pages, to source files, and to headings; an outside one is https; and dead links are found"
    pairs = [(o, link) for o in notebooks for link in links_in(shown(read(o)))]
    assert [(o.name, link) for o,link in pairs if leads_nowhere(o, link, with_anchor)]==[] and len(pairs)>200
    dead = ['nowhere.ipynb', 'http://example.com'] + ['#two-processes-at-one']*with_anchor
    assert all(leads_nowhere(root/'nbs/howto/exactly_once.ipynb', o, with_anchor) for o in dead)

def pictures(nb):
    "The alternative text of each picture in a notebook"
    for c in nb['cells']:
        src = re.sub(r'```.*?```', '', ''.join(c['source']), flags=re.S)
        if c['cell_type']=='markdown':
            yield from re.findall(r'!\[([^\]]*)\]\(', src)
            yield from ((re.search(r'alt="([^"]*)"', o) or '  ')[1] for o in re.findall(r'<img\b[^>]*>', src))
        for data in [o.get('data', {}) for o in c.get('outputs', [])]:
            svg = ''.join(data.get('image/svg+xml', ''))
            if svg: yield (re.search(r'aria-label="([^"]*)"', svg) or '  ')[1]
            elif 'image/png' in data: yield (re.search(r'#\| fig-alt: *(.+)', src) or '  ')[1]

def test_pictures_have_an_alternative_text():
    found = [(o.name, text) for o in notebooks for text in pictures(read(o))]
    assert len(found)>=10 and [o for o in found if len(o[1].split())<3]==[]

# -- files that are made from notebooks

def test_readme_and_texts_for_language_models_are_in_step():
    "Each page for users is in them"
    from llms import llms
    from readme import readme
    text = (root/'README.md').read_text(encoding='utf-8')
    assert text==readme(), 'run: python tools/readme.py'
    assert not [o for o in re.findall(r'\]\((?!http)([^)#]+)', text) if not (root/o).exists()]
    texts = llms()
    for k,v in texts.items(): assert (root/'nbs'/k).read_text(encoding='utf-8')==v, f'{k}: run python tools/llms.py'
    for o in [o for o in notebooks if o.parent.name in folders and o.stem!='how_it_is_made']:
        assert ''.join(read(o)['cells'][0]['source']).split('\n')[0]+'\n' in texts['llms-full.txt'], o

def test_texts_for_language_models_link_to_pages_of_the_site():
    "By the names that nbdev gives to the Markdown of the pages, or to pictures"
    from llms import llms
    from nbdev.config import nbpath2html
    there = {f'{nbpath2html(o.relative_to(root/"nbs"))}.md' for o in notebooks}
    there |= {str(o.relative_to(root/'nbs')) for o in (root/'nbs/images').iterdir()}
    for text in llms().values():
        links = {o.partition('#')[0] for o in links_in(text) if not o.startswith(('https:', '#'))}
        assert len(links)>30 and not links-there

@pytest.mark.slow
def test_notebooks_are_exported_and_clean(tmp_path):
    "Exporting and cleaning change nothing"
    for o in repo_files('nbs', 'tenant_tasks', 'pyproject.toml', 'settings.ini'):
        (tmp_path/o).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/o, tmp_path/o)
    for o in ('nbdev-export', 'nbdev-clean'): subprocess.run([o], cwd=tmp_path, check=True)
    changed = [o for o in repo_files('nbs', 'tenant_tasks') if (root/o).read_bytes()!=(tmp_path/o).read_bytes()]
    assert not changed, 'run: nbdev-export; nbdev-clean'

# -- reference pages

def output_of(page): return shown(read(root/'nbs/reference'/page))

def test_api_page_has_every_name():
    import tenant_tasks
    text = output_of('api.ipynb')
    heads,named = set(re.findall(r'^### (\w+)$', text, re.M)),set(re.findall(r'`(\w+)`', text))
    for o in tenant_tasks.__all__: assert o in (heads if callable(getattr(tenant_tasks, o)) else named), o

@cache
def package():
    "The syntax trees of the modules"
    return [ast.parse(o.read_text(encoding='utf-8')) for o in (root/'tenant_tasks').rglob('[a-z]*.py')]

def nodes(tree, kind): return [o for o in ast.walk(tree) if isinstance(o, kind)]

def log_lines():
    "The formats of all lines that the package logs"
    for tree in package():
        texts = {o.targets[0].id:o.value for o in nodes(tree, ast.Assign) if isinstance(o.targets[0], ast.Name)}
        for o in nodes(tree, ast.Call):
            name = ast.unparse(o.func)
            if not name.startswith('_log.'): continue
            arg = o.args[name=='_log.log']
            yield ast.literal_eval(texts[arg.id] if isinstance(arg, ast.Name) else arg)

def missing_lines(formats, text):
    "Formats of which the page has no line, and lines that no format gives"
    lines = set(re.findall(r'^\| (?:DEBUG|INFO|WARNING|ERROR) \| `([^`]+)` \|', text, re.M))
    parts = {o:re.split('%[.1]*[srgdf]', o.replace('`', '')) for o in formats}
    def fits(o, line):
        if '…'.join(parts[o])==line: return True
        return not re.search('[a-z]', ''.join(parts[o])) and re.fullmatch('.+?'.join(map(re.escape, parts[o])), line)
    unexplained = [o for o in formats if not any(fits(o, line) for line in lines)]
    return unexplained,[line for line in lines if not any(fits(o, line) for o in formats)]

def test_log_lines_are_explained():
    formats = set(log_lines())
    assert len(formats)>40 and missing_lines(formats, output_of('errors.ipynb'))==([], [])

def test_errors_are_explained():
    "Each exception that the package defines or raises by name is on the page"
    names = set()
    for tree in package():
        for o in nodes(tree, ast.ClassDef):
            if any(ast.unparse(b).endswith(('Error', 'Exception')) for b in o.bases) and o.name[0]!='_': names.add(o.name)
        for o in nodes(tree, ast.Raise):
            if o.exc: names |= set(re.findall(r'\b([A-Z]\w+)\(?', ast.unparse(o.exc).split('(')[0]))
    assert names<=set(re.findall(r'^\| `(\w+)` \|', output_of('errors.ipynb'), re.M))

# -- notebooks as tests

pages = [str(o.relative_to(root/'nbs')) for o in notebooks if o.parent.name in ('tutorials', 'howto')]

@pytest.mark.parametrize('page', ['index.ipynb', *slow(*pages)])
def test_blocks_run_when_pasted(page, tmp_path):
    "What a reader sees of a page, in order, in an empty directory; the fragment of a route can't stand alone"
    blocks = []
    for c in read(root/'nbs'/page)['cells']:
        src = ''.join(c['source'])
        if c['cell_type']=='markdown': blocks += re.findall(r'```python\n(.*?)```', src, re.S)
        elif '#| hide' not in src and '#| echo: false' not in src: blocks.append(src)
    blocks = [o for o in blocks if not o.startswith('# In your FastHTML route') and 'show_doc' not in o]
    proc = program('paste', tmp_path)
    out,err = proc.communicate(json.dumps(blocks), timeout=300)
    assert proc.returncode==0 and out.endswith(f'{len(blocks)} blocks ran\n') and len(blocks)>=5, err
