"The notebooks as the source of the package and of its pages: exported, clean, and without a dead link"
import json,os,re,shutil,subprocess,sys
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

@pytest.fixture(scope='module')
def processed(tmp_path_factory):
    "The notebooks as nbdev hands them to Quarto"
    pytest.importorskip('nbdev')
    copy = tmp_path_factory.mktemp('docs')/'repo'
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns('.git', '_proc', '.hypothesis', '*.egg-info', '.venv'))
    src = "from nbdev.serve import proc_nbs\nif __name__=='__main__': proc_nbs('nbs', n_workers=0, force=True)"
    (copy/'make.py').write_text(src)
    res = subprocess.run([sys.executable, 'make.py'], cwd=copy, capture_output=True, text=True)
    assert res.returncode==0, res.stderr
    return copy/'_proc'

def anchors(text): return {re.sub(r'[^\w\s.-]', '', o).strip().lower().replace(' ', '-') for o in re.findall(r'^#+ (.+)$', text, re.M)}

def test_links_lead_somewhere(processed):
    "Links between pages, into pages, to source files; and every outside one is https"
    pages = {o:json.loads(o.read_text()) for o in processed.rglob('*.ipynb')}
    outputs = {re.search(r'output-file: (\S+)', ''.join(nb['cells'][0]['source']))[1]:nb for nb in pages.values()}
    seen = 0
    for o,nb in pages.items():
        texts = [''.join(c['source']) for c in nb['cells'] if c['cell_type']=='markdown']
        for c in nb['cells']:
            for out in c.get('outputs', []): texts.append(''.join(out.get('data', {}).get('text/markdown', '')))
        for text in texts:
            for link in re.findall(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)', re.sub(r'```.*?```', '', text, flags=re.S)):
                seen += 1
                page,_,anchor = unquote(link).partition('#')
                if page.startswith('/blob/'): assert (root/page.split('/', 3)[3]).exists(), (o.name, link)
                elif page.endswith('.html') and page.startswith('/'):
                    assert page[1:] in outputs, (o.name, link)
                    whole = json.dumps(outputs[page[1:]]).lower()
                    assert not anchor or anchor.split('.')[-1] in whole, (o.name, link)
                elif page.startswith('http'): assert page.startswith('https://'), (o.name, link)
                else: assert (o.parent/page).exists(), (o.name, link)
    assert seen>20

def test_readme_is_the_front_page(processed):
    src = "import sys; sys.path.insert(0, 'tools')\nfrom pathlib import Path\nfrom readme import readme\n"
    src += f"print(readme(Path({str(processed)!r})), end='')"
    res = python('-c', src)
    assert res.stdout==(root/'README.md').read_text(), 'run: python tools/readme.py\n'+res.stderr

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

pages = ['index.ipynb', *[f'howto/{o.name}' for o in sorted((root/'nbs/howto').glob('*.ipynb'))]]

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
