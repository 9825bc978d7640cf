"""Make README.md from `nbs/index.ipynb`, without Quarto.

`python tools/readme.py` writes README.md; with `--html DIR` it writes each notebook as a page to look at.
"""
import re,sys
from pathlib import Path

from fastcore.nbio import read_nb

root = Path(__file__).parent.parent
narrow = 'body { max-width: 62rem; margin: 0 auto; padding: 1.5rem; line-height: 1.55; }\n'

def shown(
    out, # One output of a cell
)->str: # As Markdown
    "An output as the site shows it: Markdown, HTML or a drawing if it has one, else plain text"
    data = out.get('data', {})
    for o in ('text/markdown', 'text/html'):
        if o in data: return ''.join(data[o]).strip()
    svg = ''.join(data.get('image/svg+xml', ())).strip()
    if svg: return '<div>\n' + re.sub(r'\n\s*\n', '\n', svg) + '\n</div>'
    return '```\n' + ''.join(data.get('text/plain', out.get('text', ''))).strip() + '\n```'

def markdown(
    nb:Path, # A notebook
    show=shown, # What makes Markdown of an output
)->str: # The whole page
    "A page for users as GitHub Markdown: its prose, its code, what the code gives"
    parts = []
    for cell in read_nb(nb).cells:
        options,src = re.match(r'((?:#\| ?[^\n]*\n?)*)(.*)', cell.source.strip(), re.S).groups()
        if cell.cell_type=='markdown': parts.append(re.sub(r'<!-- .*? -->\n*', '', src))
        if cell.cell_type!='code' or re.search(r'^#\| ?hide$', options, re.M): continue
        is_shown = src and 'echo: false' not in options and not src.startswith('show_doc(')
        if is_shown: parts.append(f'```python\n{src}\n```')
        parts += [re.sub(r'^---\n\n\[source\].*\n\n', '', show(o)) for o in cell.outputs]
    return '\n\n'.join(o for o in parts if o)+'\n'

def readme()->str: # Text of README.md
    "The front page, with links that lead from the top of the repository to the notebooks"
    return re.sub(r'\]\(([\w/]+\.(?:ipynb|png)(?:#[\w-]+)?)\)', r'](nbs/\1)', markdown(root/'nbs/index.ipynb'))

def page(
    nb:Path, # A notebook
    style:str, # CSS
)->str: # HTML
    "A notebook as a page of its own, near enough to the site to look at"
    import pypandoc
    args = ['--standalone', f'--variable=header-includes:<style>{style}</style>', f'--metadata=pagetitle:{nb.stem}']
    return pypandoc.convert_text(markdown(nb), 'html5', format='gfm', extra_args=args)

if __name__=='__main__':
    if '--html' not in sys.argv: (root/'README.md').write_text(readme(), encoding='utf-8')
    else:
        out = Path(sys.argv[sys.argv.index('--html')+1])
        style = narrow+(root/'nbs/styles.css').read_text(encoding='utf-8')
        out.mkdir(parents=True, exist_ok=True)
        for o in (root/'nbs').rglob('[!_.]*.ipynb'): (out/f'{o.stem}.html').write_text(page(o, style), encoding='utf-8')
