/** The parts of the editor and of the reading side that know no page. */
import { EditorSelection, EditorState, Transaction, type TransactionSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { markdown, markdownLanguage } from '@codemirror/lang-markdown';
import { ensureSyntaxTree } from '@codemirror/language';
import MarkdownIt from 'markdown-it';
import footnote from 'markdown-it-footnote';
import { describe, expect, test } from 'vitest';
import { calloutOf } from '../src/editor/callouts';
import { continued, footnoteIn, isWritable, template, writtenHeading, writtenNames } from '../src/editor/complete';
import { linkAt } from '../src/editor/follow';
import { bullets, heading, numbers, quote, task, toggleMark } from '../src/editor/keys';
import { languageName } from '../src/editor/languages';
import { headingAt, headingsOf, holding, parseWiki, sectionOf, slug, wikiLabel, writtenPath, resolvePath } from '../src/editor/paths';
import { notes as rules } from '../src/editor/read/rules';
import { mathLength, notes } from '../src/editor/syntax';
import { alignsOf, cellsOf, emptyRow, isRuler } from '../src/editor/tables';
import { apart, linkTo, plainLink } from '../src/editor/uploads';

test.each([
  ['Note', 'Note', null, null, 'Note'],
  ['a/Note#Part two|shown', 'a/Note', 'Part two', 'shown', 'shown'],
  ['#Part', '', 'Part', null, 'Part'],
  ['Note\\|shown', 'Note', null, 'shown', 'shown'],
  ['Note#', 'Note', null, null, 'Note'],
  ['Note#Part', 'Note', 'Part', null, 'Note › Part'],
])('[[%s]]', (inside, target, part, alias, label) => {
  expect(parseWiki(inside)).toEqual({ target, heading: part, alias });
  expect(wikiLabel(parseWiki(inside))).toBe(label);
});

test('headings are those of the text, not of its code', () => {
  const text = '# One #\n\n```\n# no\n```\n\n## Two *x*\n~~~\n```\n# no\n~~~\n#no\n### Three\n';
  expect(headingsOf(text).map(({ level, text: said }) => [level, said])).toEqual([[1, 'One'], [2, 'Two *x*'], [3, 'Three']]);
  for (const each of headingsOf(text)) expect(text.slice(each.from)).toMatch(/^#+ /);
});

test('of equal headings each has a link of its own, and one that is called like a numbered one keeps its name', () => {
  const text = '# Results\na\n# Results 1\nb\n# Results\nc\n# results!\nd\n';
  const all = headingsOf(text);
  expect(all.map(({ anchor }) => anchor)).toEqual(['results', 'results-1', 'results-2', 'results-3']);
  expect(all.map(writtenHeading)).toEqual(['Results', 'Results 1', 'Results-2|Results', 'results!-3|results!']);
  for (const each of all) {
    const { heading } = parseWiki(`#${writtenHeading(each)}`);
    expect(headingAt(all, heading ?? '')).toBe(each);
    expect(sectionOf(text, heading ?? '')).toBe(text.slice(each.from, each.from + text.slice(each.from).indexOf('\n') + 3));
  }
  const md = new MarkdownIt().use(rules);
  expect([...md.render(text, { firstLine: 0 }).matchAll(/data-heading="([^"]*)"/g)].map(([, anchor]) => anchor)).toEqual(['results', 'results-1', 'results-2', 'results-3']);
  expect(writtenHeading({ text: 'a [b] | c', anchor: 'a-b-c', level: 1, from: 0 })).toBe('a b c');
});

test('a section ends where one of its level begins', () => {
  const text = '# A\na\n## B c\nb\n### C\nc\n## D\nd\n';
  expect(sectionOf(text, 'b-C')).toBe('## B c\nb\n### C\nc\n');
  expect(sectionOf(text, 'A')).toBe(text);
  expect(sectionOf(text, 'none')).toBeNull();
  expect([slug('Wärme & Licht!'), slug('Two *x*')]).toEqual(['wärme-licht', 'two-x']);
});

test.each([
  ['day/a.md', 'day/x (1).png', 'x%20%281%29.png'],
  ['a.md', 'x.png', 'x.png'],
  ['day/a.md', 'x.png', '/x.png'],
])('from %s to %s', (from, to, written) => {
  expect(writtenPath(from, to)).toBe(written);
  expect(resolvePath(from, writtenPath(from, to))).toBe(to);
});

test('a file’s name cannot say more than its name', () => {
  expect(linkTo('a.md', 'x](javascript:y).csv')).toBe('[x\\](javascript:y).csv](x%5D%28javascript%3Ay%29.csv)');
  expect(linkTo('a.md', '<b>*.png')).toBe('![\\<b\\>\\*](%3Cb%3E%2A.png)');
});

test.each([
  ['$a$', 3, false],
  ['$a b$ c', 5, false],
  ['$$a$$', 5, true],
  ['$5 and $6', null, false],
  ['$ a$', null, false],
  ['$a\\$b$', 6, false],
  ['$$', null, false],
  ['$\n$', null, false],
])('how much of %j is math', (text, length, display) => {
  expect(mathLength(text)).toEqual(length === null ? null : { length, display });
});

describe('tables', () => {
  const cut = (line: string) => cellsOf(line).map(({ from, to }) => line.slice(from, to));
  test.each([
    ['| a | b |', ['a', 'b']],
    ['a|b', ['a', 'b']],
    ['|a \\| b||', ['a \\| b', '']],
    ['  |  a  |', ['a']],
    ['| |', ['']],
  ])('%j', (line, cells) => expect(cut(line)).toEqual(cells));

  test('rulers and sides', () => {
    expect(['|---|', '--|--', ':-: | -', '| a |', '---', ''].map(isRuler)).toEqual([true, true, true, false, true, false]);
    expect(alignsOf('|:--|--:|:-:|---|')).toEqual(['left', 'right', 'center', null]);
    expect(cut(emptyRow(2, '  '))).toEqual(['', '']);
  });
});

test('callouts', () => {
  expect(calloutOf('[!warning]- Hot')).toEqual({ sort: 'warning', title: 'Hot', fold: '-', titleAt: 12 });
  expect(calloutOf('[!BUG]')).toMatchObject({ sort: 'danger', title: 'Bug', fold: '' });
  expect(calloutOf('[!own-sort]')).toMatchObject({ sort: 'note', title: 'Own-sort' });
  expect([calloutOf('note'), calloutOf('[note] x'), calloutOf('[!a"b] x')]).toEqual([null, null, null]);
});

test('a name that two files have is written as a path', () => {
  const names = [{ path: 'a/Lamp.md', title: '' }, { path: 'b/lamp.md', title: '' }, { path: 'b/Zinc.md', title: '' }, { path: 'x.png', title: '' }];
  expect(writtenNames(names).map(({ written }) => written)).toEqual(['a/Lamp', 'b/lamp', 'Zinc', 'x.png']);
  expect(holding('La[*')).toBe('**/*[lL][aA][[][*]*');
});

test('a name that brackets cannot hold gets a link by its path', () => {
  expect(['Lamp', 'a/b c', 'it’s 50%'].map(isWritable)).toEqual([true, true, true]);
  for (const odd of ['it\'s [odd] #1 (x) 50%', 'a#b', 'a|b', 'a]', ' a']) expect(isWritable(odd)).toBe(false);
  const path = 'it\'s [odd] #1 (x) 50%.md';
  const link = plainLink('a.md', path, 'it\'s [odd] #1 (x) 50%');
  expect(link.startsWith('[it\'s \\[odd\\] #1 (x) 50%](')).toBe(true);
  expect(resolvePath('a.md', /\]\(([^)]*)\)$/.exec(link)?.[1] ?? '')).toBe(path);
});

test('the link of a file that was dropped is apart from the words beside it', () => {
  expect([apart('', 'L', ''), apart('a', 'L', 'b'), apart(' ', 'L', ' '), apart('(', 'L', ')'), apart('\n', 'L', '.'), apart('.', 'L', '!')]).toEqual(['L', ' L ', 'L', 'L', 'L', ' L ']);
});

test('what a command puts into a quote or a list stays in it', () => {
  expect(['', '> ', '> > ', '- ', '> 1. ', '- [ ] ', '  * [x] '].map(continued)).toEqual(['', '> ', '> > ', '  ', '>    ', '  ', '    ']);
});

test('a footnote’s sign gets a text of its own, at the end', () => {
  const add = (marked: string) => {
    const [from, to] = [marked.indexOf('/'), marked.indexOf('/') + 9];
    const { sign, end, insert } = footnoteIn(marked, to);
    return marked.slice(0, from) + sign + marked.slice(to, end) + insert + marked.slice(end);
  };
  expect(add('a /footnote\n')).toBe('a [^1]\n\n[^1]: \n');
  expect(add('/footnote')).toBe('[^1]\n\n[^1]: ');
  expect(add('a /footnote b[^1]\n\n[^1]: one\n')).toBe('a [^2] b[^1]\n\n[^1]: one\n[^2]: \n');
});

test('a command’s text, and where its cursor goes', () => {
  expect(template('# |')).toEqual({ insert: '# ', cursor: 2 });
  expect(template('| ¦ |')).toEqual({ insert: '|  |', cursor: 2 });
});

test('a footnote’s further paragraphs are its text, not code', () => {
  const doc = 'a[^1]\n\n[^1]: one\n\n    two\n[^x]: three\n\nafter\n\n    code\n';
  const names: string[] = [];
  ensureSyntaxTree(state(doc), doc.length, 5000)?.iterate({ enter: ({ name, from, to }) => { if (/^(FootnoteText|Paragraph|CodeBlock)$/.test(name)) names.push(`${name} ${doc.slice(from, to).trim().split('\n')[0]}`); } });
  expect(names).toEqual(['Paragraph a[^1]', 'FootnoteText [^1]: one', 'Paragraph one', 'Paragraph two', 'FootnoteText [^x]: three', 'Paragraph three', 'Paragraph after', 'CodeBlock code']);
});

test.each([['js', 'js'], ['Python {.x}', 'python'], ['c++ title="a"', 'c++'], ['{r}', ''], ['', '']])('the language of ```%s is %j', (info, name) => {
  expect(languageName(info)).toBe(name);
});

const state = (doc: string) => EditorState.create({ doc, extensions: markdown({ base: markdownLanguage, extensions: notes }) });

/** `[` and `]` are where the selection is. */
function run(command: (view: EditorView) => boolean, marked: string): string {
  const [from, to] = [marked.indexOf('⟦'), marked.indexOf('⟧') - 1];
  let now: EditorState = EditorState.create({ doc: marked.replace(/[⟦⟧]/g, ''), selection: EditorSelection.range(from, to) });
  const view = {
    get state() {
      return now;
    },
    dispatch: (spec: TransactionSpec | Transaction) => {
      now = spec instanceof Transaction ? spec.state : now.update(spec).state;
    },
  };
  command(view as unknown as EditorView);
  const { from: a, to: b } = now.selection.main;
  const text = now.doc.toString();
  return `${text.slice(0, a)}⟦${text.slice(a, b)}⟧${text.slice(b)}`;
}

test.each([
  ['bold', toggleMark('**'), 'a ⟦b⟧ c', 'a **⟦b⟧** c'],
  ['not bold', toggleMark('**'), 'a **⟦b⟧** c', 'a ⟦b⟧ c'],
  ['not bold, marks selected', toggleMark('**'), 'a ⟦**b**⟧ c', 'a ⟦b⟧ c'],
  ['italic within bold', toggleMark('*'), '**⟦b⟧**', '***⟦b⟧***'],
  ['bold word', toggleMark('**'), 'on⟦⟧e', '**on⟦⟧e**'],
  ['heading', heading(2), 'a\nb⟦⟧', 'a\n## b⟦⟧'],
  ['other heading', heading(1), '### b⟦⟧', '# b⟦⟧'],
  ['no heading', heading(3), '### b⟦⟧', 'b⟦⟧'],
  ['list', bullets, '⟦a\n  b⟧', '- ⟦a\n  - b⟧'],
  ['no list', bullets, '- ⟦a\n- b⟧', '⟦a\nb⟧'],
  ['numbers for bullets', numbers, '- ⟦a\n- b⟧', '1. ⟦a\n2. b⟧'],
  ['quote', quote, '⟦a\nb⟧', '> ⟦a\n> b⟧'],
  ['task', task, 'a⟦⟧', '- [ ] a⟦⟧'],
  ['task of an item', task, '2. a⟦⟧', '2. [ ] a⟦⟧'],
  ['done', task, '  * [ ] a⟦⟧', '  * [x] a⟦⟧'],
  ['to do', task, '- [X] a⟦⟧', '- [ ] a⟦⟧'],
  ['to do, where two ticked', task, '- [xX] a⟦⟧', '- [ ] a⟦⟧'],
  ['done, where two opened it again', task, '- [  ] a⟦⟧', '- [x] a⟦⟧'],
])('%s: %j becomes %j', (_, command, before, after) => {
  expect(run(command as (view: EditorView) => boolean, before)).toBe(after);
});

test('what notes know beyond Markdown is parsed, and ends where it should', () => {
  const names = (doc: string) => {
    const found: string[] = [];
    ensureSyntaxTree(state(doc), doc.length, 5000)?.iterate({ enter: ({ name, from, to }) => {
      if (/^(Wikilink|Embed|InlineMath|DisplayMath|BlockMath|OpenMath|Footnote|ATXHeading1|TaskMarker)$/.test(name)) found.push(`${name} ${doc.slice(from, to)}`);
    } });
    return found;
  };
  expect(names('a [[b|c]] ![[d.png]] $e$ $$f$$ [^g] `[[h]] $i$`')).toEqual(['Wikilink [[b|c]]', 'Embed ![[d.png]]', 'InlineMath $e$', 'DisplayMath $$f$$', 'Footnote [^g]']);
  expect(names('$$\na\n$$\n# h')).toEqual(['BlockMath $$\na\n$$', 'ATXHeading1 # h']);
  expect(names('text\n$$a$$\n\n# h')).toEqual(['BlockMath $$a$$', 'ATXHeading1 # h']);
  expect(names('$$\nnever closed\n\n# h')).toEqual(['OpenMath $$\nnever closed', 'ATXHeading1 # h']);
  expect(names('> $$\n> a\n\n# h')).toEqual(['OpenMath $$\n> a', 'ATXHeading1 # h']);
  expect(names('[[a\nb]] [[]] [[[c]]]')).toEqual(['Wikilink [[c]]']);
  // Two ticked one box, or opened it again, apart from each other.
  expect(names('- [x] a\n- [xX] b\n- [  ] c\n- [xy] d\n\n[xx] e')).toEqual(['TaskMarker [x]', 'TaskMarker [xX]', 'TaskMarker [  ]']);
});

test('the link at a place', () => {
  const at = (doc: string) => {
    const text = doc.replace('^', '');
    const made = state(text);
    ensureSyntaxTree(made, text.length, 5000);
    return linkAt(made, doc.indexOf('^'));
  };
  expect(at('a [b^c](d.md) e')).toEqual({ href: 'd.md' });
  expect(at('a [[N^ote#x|y]]')).toEqual({ wiki: 'Note#x|y' });
  expect(at('<https://a^.example>')).toEqual({ href: 'https://a.example' });
  expect(at('a ^ b')).toBeNull();
});

test('the reading side makes the same of it', () => {
  const md = new MarkdownIt({ html: true, linkify: true }).use(footnote).use(rules);
  const html = (text: string) => md.render(text, { firstLine: 2 }).trim();
  expect(html('[[a"b|c<d]]')).toBe('<p><a class="wikilink" data-wiki="a&quot;b|c&lt;d">c&lt;d</a></p>');
  expect(html('- [x] done\n- [ ] not')).toContain('data-line="3"');
  expect(html('- [xx] twice\n- [  ] not').match(/class="task[^"]*"/g)).toEqual(['class="task done"', 'class="task"', 'class="task"', 'class="task"']);
  expect(html('$a<b$')).toBe('<p><span class="math">a&lt;b</span></p>');
  expect(html('$$\na\n$$')).toBe('<div class="math math-block">a</div>');
  expect(html('$$\nnever closed')).toBe('<p>$$\nnever closed</p>');
  expect(html('> [!tip]- *Title*\n> body')).toMatch(/^<details class="callout callout-tip">\n?<summary class="callout-title"><em>Title<\/em><\/summary>\s*<p>body<\/p>\s*<\/details>$/);
  expect(html('> [!note]\n>\n> body')).toMatch(/^<div class="callout callout-note">\s*<div class="callout-title">Note<\/div>\s*<p>body<\/p>\s*<\/div>$/);
  expect(html('| a |\n| -: |\n| b |')).toContain('<td class="align-right">b</td>');
  expect(html('a[^1]\n\n[^1]: <b>')).toContain('data-note-text="1"');
});
