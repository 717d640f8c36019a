/**
 * Mermaid's diagrams. Mermaid comes when the first of them is on the screen, into a frame of its own (`drawing.ts`). What
 * comes out is shown as an image: no script of an image runs, and nothing that it names is fetched.
 */
import { t } from '../../i18n/en';
import type { DrawDiagram } from './drawing';

const system = matchMedia('(prefers-color-scheme: dark)');
const MOST_DRAWN = 50;

export interface Drawing {
  url: string;
  width: number;
  height: number;
}

/** As the page is: it may have been told to be light or dark. */
const isDark = (): boolean => {
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  return scheme === 'dark' || (scheme !== 'light' && system.matches);
};

/** Which of the page's colours is which of Mermaid's. */
const FROM_PAGE: Record<string, string> = {
  background: '--ground', mainBkg: '--raised', primaryColor: '--raised', primaryTextColor: '--ink', primaryBorderColor: '--field-line', nodeBorder: '--field-line',
  secondaryColor: '--code', secondaryTextColor: '--ink', secondaryBorderColor: '--field-line', tertiaryColor: '--side', tertiaryTextColor: '--ink', tertiaryBorderColor: '--line-strong',
  lineColor: '--quiet', textColor: '--ink', titleColor: '--ink', edgeLabelBackground: '--ground', clusterBkg: '--side', clusterBorder: '--line-strong',
  noteBkgColor: '--warn-ground', noteTextColor: '--ink', noteBorderColor: '--warn', errorBkgColor: '--bad-ground', errorTextColor: '--bad',
  pieTitleTextColor: '--ink', pieLegendTextColor: '--ink', pieSectionTextColor: '--on-accent', pieStrokeColor: '--ground', pieOuterStrokeColor: '--ground',
  taskTextColor: '--ink', taskTextDarkColor: '--ink', taskTextLightColor: '--ink', taskTextOutsideColor: '--ink', gridColor: '--line-strong', todayLineColor: '--bad',
  activeTaskBkgColor: '--selection', activeTaskBorderColor: '--accent', doneTaskBkgColor: '--code', doneTaskBorderColor: '--line-strong', critBkgColor: '--bad-ground', critBorderColor: '--bad',
};
/** Parts that are to be told apart: slices, branches, stages. What is written on them is as on what has the accent. */
const PARTS = ['--accent', '--callout-warning', '--callout-note', '--callout-example', '--callout-danger', '--callout-tip', '--callout-question', '--callout-quote'];
for (const [at, variable] of PARTS.entries()) {
  Object.assign(FROM_PAGE, { [`pie${at + 1}`]: variable, [`git${at}`]: variable, [`gitBranchLabel${at}`]: '--on-accent', [`cScale${at}`]: variable, [`cScaleLabel${at}`]: '--on-accent' });
}
interface Colours {
  dark: boolean;
  /** Nothing: those that paper has. */
  theme: Record<string, string> | null;
}
const PAPER: Colours = { dark: false, theme: null };

/** As the page wears them. What a variable says may be one colour by day and another by night: an element says which. */
function ofPage(): Colours {
  const probe = document.body.appendChild(document.createElement('span'));
  const theme: Record<string, string> = {};
  for (const [name, variable] of Object.entries(FROM_PAGE)) {
    probe.style.color = `var(${variable})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return { dark: isDark(), theme };
}

/** Mermaid draws one at a time. */
let last: Promise<unknown> = Promise.resolve();
let number = 0;
const drawn = new Map<string, Drawing>();

const settings = ({ dark, theme }: Colours) => ({
  startOnLoad: false,
  securityLevel: 'strict' as const,
  suppressErrorRendering: true,
  htmlLabels: false,
  flowchart: { htmlLabels: false },
  ...(theme ? { theme: 'base' as const, themeVariables: { darkMode: dark, pieOpacity: '1', ...theme } } : { theme: 'neutral' as const }),
  fontFamily: 'system-ui, sans-serif',
  maxTextSize: 50_000,
  maxEdges: 500,
  // What a diagram may not set for itself.
  secure: ['secure', 'securityLevel', 'startOnLoad', 'maxTextSize', 'maxEdges', 'suppressErrorRendering', 'htmlLabels', 'themeCSS', 'themeVariables', 'fontFamily', 'altFontFamily', 'dompurifyConfig'],
});

const key = (source: string, colours: Colours) => `${JSON.stringify(colours)}\n${source}`;

/** Paper is light, whatever the page is. */
function draw(source: string, colours: Colours): Promise<Drawing> {
  const next = last.then(async () => drawn.get(key(source, colours)) ?? keep(key(source, colours), await make(source, colours)));
  last = next.catch(() => {});
  return next;
}

function keep(key: string, drawing: Drawing): Drawing {
  const oldest = drawn.keys().next().value;
  if (drawn.size >= MOST_DRAWN && oldest !== undefined) drawn.delete(oldest);
  drawn.set(key, drawing);
  return drawing;
}

let drawer: Promise<DrawDiagram> | null = null;

/** Mermaid writes styles where it measures. The page's policy has none of that; the frame's has. */
function inItsFrame(): Promise<DrawDiagram> {
  drawer ??= new Promise((resolve, reject) => {
    const frame = document.createElement('iframe');
    frame.className = 'diagrams';
    frame.src = '/diagram.html';
    frame.title = t.editor.diagrams;
    frame.tabIndex = -1;
    frame.setAttribute('aria-hidden', 'true');
    frame.addEventListener('load', () => {
      const draw = frame.contentWindow?.drawDiagram;
      if (draw) return resolve(draw);
      // The next diagram asks again.
      drawer = null;
      frame.remove();
      reject(new Error(t.editor.diagramsMissing));
    }, { once: true });
    document.body.append(frame);
  });
  return drawer;
}

/** Mermaid fetches the images of such shapes, wherever they are; a key could also be written with escapes. */
const namesImages = (source: string): boolean => source.includes('@{') && (/img/i.test(source) || source.includes('\\'));

async function make(source: string, colours: Colours): Promise<Drawing> {
  if (namesImages(source)) throw new Error(t.editor.diagramImages);
  number += 1;
  const { svg, width, height } = await (await inItsFrame())(`codex-diagram-${number}`, source, settings(colours));
  return { url: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`, width, height };
}

/** The diagram in place of what an element shows, as soon as it is on the screen. */
export function showDiagram(element: HTMLElement, source: string, done?: () => void): void {
  shown.set(element, { source, done });
  const show = (drawing: Drawing) => {
    element.classList.remove('failed');
    element.replaceChildren(imageOf(drawing, source));
    done?.();
  };
  const before = drawn.get(key(source, ofPage()));
  if (before) return show(before);
  whenSeen(element, () => {
    draw(source, ofPage()).then(show, (error: unknown) => {
      showFailed(element, source, error);
      done?.();
    });
  });
}

function imageOf(drawing: Drawing, source: string): HTMLImageElement {
  const image = document.createElement('img');
  image.className = 'drawing';
  image.alt = t.editor.diagram(source.trim().split('\n')[0] ?? '');
  image.width = Math.ceil(drawing.width);
  image.height = Math.ceil(drawing.height);
  image.src = drawing.url;
  return image;
}

function showFailed(element: HTMLElement, source: string, error: unknown): void {
  const why = document.createElement('p');
  why.className = 'why';
  why.textContent = t.editor.diagramFailed(error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error));
  element.classList.add('failed');
  const code = document.createElement('code');
  code.textContent = source;
  element.replaceChildren(code, why);
}

/** The diagram at once, for paper. */
export async function drawForPaper(element: HTMLElement, source: string): Promise<void> {
  try {
    element.replaceChildren(imageOf(await draw(source, PAPER), source));
  } catch (error) {
    showFailed(element, source, error);
  }
}

const shown = new WeakMap<Element, { source: string; done: (() => void) | undefined }>();
/** The page has turned light or dark, or wears another theme. */
function drawAnew(): void {
  for (const element of document.querySelectorAll<HTMLElement>('.diagram')) {
    const { source, done } = shown.get(element) ?? {};
    if (source !== undefined) showDiagram(element, source, done);
  }
}
system.addEventListener('change', drawAnew);
new MutationObserver(drawAnew).observe(document.documentElement, { attributes: true, attributeFilter: ['data-appearance', 'class'] });

const waiting = new WeakMap<Element, () => void>();
const seen = new IntersectionObserver((found) => {
  for (const { isIntersecting, target } of found) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    waiting.get(target)?.();
    waiting.delete(target);
  }
});

function whenSeen(element: Element, then: () => void): void {
  waiting.set(element, then);
  seen.observe(element);
}
