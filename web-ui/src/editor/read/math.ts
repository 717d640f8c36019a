/** Formulas. KaTeX comes with the first one. */
import type Katex from 'katex';

let katex: typeof Katex | null = null;
let coming: Promise<void> | null = null;

async function load(): Promise<void> {
  const [module] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')]);
  katex = module.default;
}

/** Shows a formula in an element: at once when KaTeX is there. `done` is told when it came later. */
export function showMath(element: HTMLElement, tex: string, display: boolean, done?: () => void): void {
  if (katex) return draw(katex, element, tex, display);
  element.textContent = tex;
  coming ??= load();
  coming.then(
    () => {
      if (katex) draw(katex, element, tex, display);
      done?.();
    },
    () => {
      // The formula stays as it is written; the next one asks again.
      coming = null;
    },
  );
}

/** Resolves when it is drawn. `plain`: as MathML alone, which needs neither fonts nor a style sheet. */
export async function drawMath(element: HTMLElement, tex: string, display: boolean, plain: boolean): Promise<void> {
  coming ??= load();
  try {
    await coming;
  } catch {
    coming = null;
  }
  if (katex) draw(katex, element, tex, display, plain);
}

function draw(with_: typeof Katex, element: HTMLElement, tex: string, display: boolean, plain = false): void {
  try {
    // Without trust, `\href`, `\includegraphics` and `\html…` do nothing; the bounds keep a macro from growing without end.
    with_.render(tex, element, { displayMode: display, output: plain ? 'mathml' : 'htmlAndMathml', throwOnError: false, trust: false, strict: 'ignore', maxExpand: 500, maxSize: 50 });
  } catch (error) {
    element.textContent = tex;
    element.title = error instanceof Error ? error.message : String(error);
  }
}
