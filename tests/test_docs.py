"The notebooks as the source of the package and of its pages: exported, clean, and without a dead link"
import ast,fcntl,json,os,re,shutil,subprocess,sys
from urllib.parse import unquote

import pytest
from helpers import program,python,root

def test_quarto_config_is_one_file():
    link = root/'nbs/_quarto.yml'
    assert link.is_symlink() and os.readlink(link)=='../_quarto.yml'
    yml = (root/'_quarto.yml').read_text()
    listed = re.findall(r'[\w/]+\.ipynb', yml)
    there = [str(o.relative_to(root/'nbs')) for o in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in str(o)]
    assert sorted(listed)==sorted(there)

@pytest.fixture(scope='session')
def processed(tmp_path_factory):
    "The notebooks as nbdev hands them to Quarto, once for all processes of a test run"
    pytest.importorskip('nbdev')
    base = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ: base = base.parent
    with open(base/'docs.lock', 'w') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        if not (base/'docs/done').exists(): process(base/'docs/repo')
        (base/'docs/done').touch()
    return base/'docs/repo/_proc'

def process(copy):
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns('.git', '_proc', '.hypothesis', '*.egg-info', '.venv'))
    src = "from nbdev.serve import proc_nbs\nif __name__=='__main__': proc_nbs('nbs', n_workers=0, force=True)"
    (copy/'make.py').write_text(src)
    res = subprocess.run([sys.executable, 'make.py'], cwd=copy, capture_output=True, text=True)
    assert res.returncode==0, res.stderr

def shown(nb):
    "What a reader sees of a processed notebook, as Markdown: its prose, and outputs that are Markdown"
    parts = []
    for c in nb['cells']:
        if c['cell_type']=='markdown': parts.append(''.join(c['source']))
        parts += [''.join(o['data']['text/markdown']) for o in c.get('outputs', []) if 'text/markdown' in o.get('data', {})]
    return '\n\n'.join(parts)

def anchors(text):
    "The ids in a page as Pandoc makes them, and so Quarto"
    pypandoc = pytest.importorskip('pypandoc')
    return set(re.findall(r'<(?:h\d|section|div|span|a)\b[^>]* id="([^"]+)"', pypandoc.convert_text(text, 'html', 'markdown')))

def test_anchors_are_those_of_pandoc():
    text = '# 🧭 When to use it\n\n## `f` and *g*: 2nd\n\n## Same\n\n## Same\n\n### A {#own}\n\n```\n# not a heading\n```\n\n## 3 things\n'
    assert anchors(text)=={'when-to-use-it', 'f-and-g-2nd', 'same', 'same-1', 'own', 'things'}

def links_in(text): return re.findall(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)', re.sub(r'```.*?```', '', text, flags=re.S))

def dead_links(pages):
    "Pairs of page and link that leads nowhere, among processed notebooks by path; and how many links there are"
    texts = {o:shown(nb) for o,nb in pages.items()}
    outputs = {re.search(r'output-file: (\S+)', ''.join(nb['cells'][0]['source']))[1]:o for o,nb in pages.items()}
    ids,seen,dead = {},0,[]
    def has(o, anchor):
        if o not in ids: ids[o] = anchors(texts[o])
        return anchor in ids[o]
    for o,text in texts.items():
        for link in links_in(text):
            seen += 1
            page,_,anchor = unquote(link).partition('#')
            there = outputs.get(page[1:]) if page.startswith('/') else o if not page else (o.parent/page).resolve()
            if page.startswith('/blob/'): good = (root/page.split('/', 3)[3]).exists()
            elif page.startswith('http'): good = page.startswith('https://')
            else: good = there is not None and there.exists() and (not anchor or there in texts and has(there, anchor))
            if not good: dead.append((o.name, link))
    return dead,seen

def test_links_lead_somewhere(processed):
    "Links between pages, to headings, to source files; and every outside one is https"
    dead,seen = dead_links({o.resolve():json.loads(o.read_text()) for o in processed.rglob('*.ipynb')})
    assert dead==[] and seen>200

def test_dead_links_are_found(processed):
    o = (processed/'explains/once.ipynb').resolve()
    pages = {(processed/p).resolve():json.loads((processed/p).read_text()) for p in ('explains/once.ipynb', 'explains/lifecycle.ipynb', '01_retry.ipynb')}
    bad = ['nowhere.ipynb', '#two-processes-at-one', 'lifecycle.ipynb#kill', '/retry.html#expbackof', 'http://example.com']
    good = ['#two-processes-at-once', 'lifecycle.ipynb#kill-a-process-at-a-chosen-point']
    text = '\n\n'.join(f'[x]({link})' for link in [*bad, *good])
    pages[o]['cells'].append(dict(cell_type='markdown', source=[text]))
    dead = [link for name,link in dead_links(pages)[0] if name==o.name]
    assert set(bad)<=set(dead) and not set(good) & set(dead)

def pictures(nb):
    "The alternative text of each picture in a notebook"
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type']=='markdown':
            src = re.sub(r'```.*?```', '', src, flags=re.S)
            yield from re.findall(r'!\[([^\]]*)\]\(', src)
            for o in re.findall(r'<img\b[^>]*>', src): yield (re.search(r'alt="([^"]*)"', o) or ['', ''])[1]
        for o in c.get('outputs', []):
            data = o.get('data', {})
            if 'image/svg+xml' in data: yield (re.search(r'aria-label="([^"]*)"', ''.join(data['image/svg+xml'])) or ['', ''])[1]
            elif 'image/png' in data: yield (re.search(r'#\| fig-alt: *(.+)', src) or ['', ''])[1]

def test_pictures_have_an_alternative_text():
    seen = 0
    for o in (root/'nbs').rglob('*.ipynb'):
        if '.ipynb_checkpoints' in o.parts: continue
        for text in pictures(json.loads(o.read_text(encoding='utf-8'))):
            seen += 1
            assert len(text.split())>=3, (o.name, text)
    assert seen>=10

def test_site_has_a_dark_mode():
    "Two themes; and each colour of the site's own has a value for both"
    yml,css = (root/'_quarto.yml').read_text(),(root/'nbs/styles.css').read_text()
    assert re.search(r'theme:\n +light: \w+\n +dark: \w+\n', yml)
    rules = dict(re.findall(r'^([^\n{/]+) {(.*)}$', css, re.M))
    light,dark = (dict(re.findall(r'(--\w+): (#\w+)', rules[o])) for o in (':root', 'body.quarto-dark'))
    assert light and light.keys()==dark.keys() and not set(light.values()) & set(dark.values())
    assert not re.findall('#[0-9a-f]{3,6}', ''.join(v for k,v in rules.items() if k not in (':root', 'body.quarto-dark')))

def test_text_for_language_models_is_in_step(processed):
    src = "import sys,json; sys.path.insert(0, 'tools')\nfrom pathlib import Path\nfrom llms import llms\n"
    src += f"json.dump(llms(Path({str(processed)!r})), sys.stdout)"
    res = python('-c', src)
    for name,text in json.loads(res.stdout).items(): assert text==(root/'nbs'/name).read_text(encoding='utf-8'), f'{name}: run python tools/llms.py'
    full = (root/'nbs/llms-full.txt').read_text(encoding='utf-8')
    for folder in ('tutorials', 'howto', 'reference', 'explains'):
        for o in (root/'nbs'/folder).glob('*.ipynb'):
            title = re.match(r'# (.+)', ''.join(json.loads(o.read_text(encoding='utf-8'))['cells'][0]['source']))[1]
            assert o.stem=='how_it_is_made' or f'# {title}\n' in full, o
    assert '<svg' not in full and '<div' not in re.sub(r'```.*?```', '', full, flags=re.S)

def output_of(page): return shown(json.loads((root/'nbs/reference'/page).read_text(encoding='utf-8')))

def test_api_page_has_every_name():
    import tenant_tasks
    text = output_of('api.ipynb')
    heads,named = set(re.findall(r'^### (\w+)$', text, re.M)),set(re.findall(r'`(\w+)`', text))
    for o in tenant_tasks.__all__: assert o in (heads if callable(getattr(tenant_tasks, o)) else named), o

def package(): return {o.stem:ast.parse(o.read_text(encoding='utf-8')) for o in (root/'tenant_tasks').glob('*.py') if o.stem!='_modidx'}

def log_lines():
    "The formats of all lines that the package logs"
    for tree in package().values():
        texts = {o.targets[0].id:o.value for o in ast.walk(tree) if isinstance(o, ast.Assign) and isinstance(o.targets[0], ast.Name)}
        for o in ast.walk(tree):
            if not (isinstance(o, ast.Call) and ast.unparse(o.func).startswith('_log.')): continue
            arg = o.args[ast.unparse(o.func)=='_log.log']
            yield ast.literal_eval(texts[arg.id] if isinstance(arg, ast.Name) else arg)

def missing_lines(formats, text):
    "Formats of which the page has no line, and lines that no format gives"
    lines = set(re.findall(r'^\| (?:DEBUG|INFO|WARNING|ERROR) \| `([^`]+)` \|', text, re.M))
    forms = {o:re.compile(re.sub(r'%[.1]*[srgdf]', '.+?', re.sub(r'([.(){}\[\]*+?|^$\\])', r'\\\1', o.replace('`', '')))) for o in formats}
    def exact(o, line): return re.sub('%[.1]*[srgdf]', '…', o.replace('`', ''))==line
    def fits(o, line): return exact(o, line) or not re.search('[a-z]', re.sub('%[.1]*[srgdf]', '', o)) and forms[o].fullmatch(line)
    return [o for o in forms if not any(fits(o, line) for line in lines)],[line for line in lines if not any(fits(o, line) for o in forms)]

def test_log_lines_are_explained():
    formats,text = set(log_lines()),output_of('errors.ipynb')
    assert len(formats)>40 and missing_lines(formats, text)==([], [])
    assert missing_lines(formats|{'job %s sleeps'}, text)[0]==['job %s sleeps']

def test_errors_are_explained():
    "Each exception that the package defines or raises by name is on the page"
    own,raised = set(),set()
    for tree in package().values():
        for o in ast.walk(tree):
            if isinstance(o, ast.ClassDef) and any(re.search(r'(?:Error|Exception)$', ast.unparse(b)) for b in o.bases): own.add(o.name)
            if isinstance(o, ast.Raise) and o.exc: raised |= set(re.findall(r'\b([A-Z]\w+)\(?', ast.unparse(o.exc).split('(')[0]))
    listed = set(re.findall(r'^\| `(\w+)` \|', output_of('errors.ipynb'), re.M))
    assert own|raised<=listed, (own|raised)-listed

def test_readme_is_the_front_page(processed):
    src = "import sys; sys.path.insert(0, 'tools')\nfrom pathlib import Path\nfrom readme import readme\n"
    src += f"print(readme(Path({str(processed)!r})), end='')"
    res = python('-c', src)
    assert res.stdout==(root/'README.md').read_text(), 'run: python tools/readme.py\n'+res.stderr

def test_front_page_is_short_and_leads_to_each_page():
    text,front = (root/'README.md').read_text(encoding='utf-8'),json.loads((root/'nbs/index.ipynb').read_text(encoding='utf-8'))
    links = set(links_in(shown(front)))
    there = {f'{k}/{o.name}' for k in ('tutorials', 'howto', 'reference', 'explains') for o in (root/'nbs'/k).glob('*.ipynb')}
    assert len(text.split())<=1000 and there<=links, there-links

def test_values_of_a_job_are_shown_as_they_are():
    "Pandoc's Markdown, which the site is made of, takes `~` for a subscript, `$` for a formula, and bends quotes"
    pypandoc = pytest.importorskip('pypandoc')
    from tenant_tasks import TenantJob
    payload = '{"a": "vm~1~2", "b": "x^2^", "c": "$5 and $6"}'
    html = pypandoc.convert_text(TenantJob('0c6e', 'sync', 'pending', payload=payload)._repr_markdown_(), 'html', 'markdown')
    assert payload in html.replace('&quot;', '"')

def test_notebooks_are_exported_and_clean(processed):
    "Exporting and cleaning change nothing"
    copy = processed.parent
    for cmd in ('from nbdev.export import nb_export', 'from nbdev.clean import nbdev_clean'):
        src = f'{cmd}\nfrom nbdev.doclinks import nbdev_export\nnbdev_export()\n' + ('nbdev_clean()' if 'clean' in cmd else '')
        res = subprocess.run([sys.executable, '-c', src], cwd=copy, capture_output=True, text=True)
        assert res.returncode==0, res.stderr
    for o in [*(root/'tenant_tasks').glob('*.py'), *(root/'nbs').rglob('*.ipynb')]:
        assert o.read_bytes()==(copy/o.relative_to(root)).read_bytes(), f'{o.name}: run nbdev-export and nbdev-clean'

def test_failing_cell_is_named(tmp_path):
    "A notebook that fails tells which one, which cell, and why"
    pytest.importorskip('nbdev')
    empty = dict(cell_type='code', metadata={}, outputs=[], execution_count=None)
    cells = [dict(empty, id=f'c{i}', source=[o]) for i,o in enumerate(['x = 1', 'def f(): 1/0\nf()'])]
    (tmp_path/'bad.ipynb').write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    shutil.copy(root/'conftest.py', tmp_path)
    cmd = [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', 'bad.ipynb']
    res = subprocess.run(cmd, cwd=tmp_path, capture_output=True, text=True)
    assert res.returncode==1
    for o in ('bad.ipynb', 'c1', '1/0', 'ZeroDivisionError'): assert o in res.stdout, res.stdout

pages = ['index.ipynb', *[f'{k}/{o.name}' for k in ('tutorials', 'howto') for o in sorted((root/'nbs'/k).glob('*.ipynb'))]]

@pytest.mark.parametrize('page', pages)
def test_blocks_run_when_pasted(page, tmp_path):
    "What a reader sees of a page, in order, in an empty directory; the contract's fragment of a route can't stand alone"
    blocks = []
    for c in json.loads((root/'nbs'/page).read_text(encoding='utf-8'))['cells']:
        src = ''.join(c['source'])
        if c['cell_type']=='markdown': blocks += re.findall(r'```python\n(.*?)```', src, re.S)
        elif '#| hide' not in src and '#| echo: false' not in src: blocks.append(src)
    blocks = [o for o in blocks if not o.startswith('# In your FastHTML route') and 'show_doc' not in o]
    proc = program('paste', tmp_path)
    out,err = proc.communicate(json.dumps(blocks), timeout=60)
    assert proc.returncode==0 and out.endswith(f'{len(blocks)} blocks ran\n') and len(blocks)>=6, err
