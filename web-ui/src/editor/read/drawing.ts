/**
 * Where Mermaid draws: a document of its own (`diagram.html`) in a frame that nobody sees. Only there may styles be written
 * inline; what comes out is cleaned.
 */
import mermaid, { type MermaidConfig } from 'mermaid';
import { t } from '../../i18n/en';
import { purify } from './purify';

/** An SVG image, and its size in pixels. */
export interface Drawn {
  svg: string;
  width: number;
  height: number;
}
export type DrawDiagram = (id: string, source: string, settings: MermaidConfig) => Promise<Drawn>;
declare global {
  interface Window {
    drawDiagram?: DrawDiagram;
  }
}
interface Factory {
  createPolicy(name: string, rules: { createHTML(html: string): string }): unknown;
}

// The policy demands Trusted Types, where the browser knows them: what Mermaid writes while it measures is cleaned on its way.
const rules = { USE_PROFILES: { html: true, svg: true, svgFilters: true }, ADD_TAGS: ['style', 'foreignObject'], HTML_INTEGRATION_POINTS: { foreignobject: true } };
(window as unknown as { trustedTypes?: Factory }).trustedTypes?.createPolicy('default', { createHTML: (html) => String(purify.sanitize(html, rules)) });

window.drawDiagram = async (id, source, settings) => {
  mermaid.initialize(settings);
  return cleaned((await mermaid.render(id, source)).svg);
};

function cleaned(svg: string): Drawn {
  const fragment = purify.sanitize(svg, {
    USE_PROFILES: { svg: true, svgFilters: true },
    ADD_TAGS: ['style'],
    ADD_ATTR: ['dominant-baseline', 'viewBox'],
    FORBID_TAGS: ['a', 'image', 'script', 'foreignObject'],
    FORBID_ATTR: ['href', 'xlink:href'],
    RETURN_DOM_FRAGMENT: true,
  });
  const root = fragment.querySelector('svg');
  if (!root) throw new Error(t.editor.diagramEmpty);
  const [, , width = 0, height = 0] = (root.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number);
  if (!(width > 0 && height > 0)) throw new Error(t.editor.diagramEmpty);
  root.setAttribute('width', String(width));
  root.setAttribute('height', String(height));
  root.removeAttribute('style');
  root.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return { svg: new XMLSerializer().serializeToString(root), width, height };
}
