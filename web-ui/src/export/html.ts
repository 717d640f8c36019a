/** A page that stands alone: no script, nothing from elsewhere, readable without Codex. */
import page from '../styles/export.css?inline';
import notes from '../styles/notes.css?inline';
import prose from '../styles/prose.css?inline';
import sheet from '../styles/sheet.css?inline';

// What stands last wins.
const css = [prose, notes, sheet, page].join('\n').replaceAll('</', '<\\/');
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Whatever a text says, a browser that shows the page runs nothing and asks for nothing but the files beside it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: file:; media-src 'self' data: file:; base-uri 'none'; form-action 'none'";

export function htmlPage(title: string, body: readonly Element[]): string {
  // Elements with an end tag each, and text escaped: a browser reads it as the same elements again.
  const writer = new XMLSerializer();
  const inside = body.map((each) => writer.serializeToString(each)).join('\n');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8" />',
    `<meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}" />`,
    '<meta name="viewport" content="width=device-width, initial-scale=1" />',
    '<meta name="generator" content="Codex" />',
    `<title>${escaped(title)}</title>`,
    `<style>${css}</style>`,
    '</head>',
    `<body>${inside}</body>`,
    '</html>',
    '',
  ].join('\n');
}
