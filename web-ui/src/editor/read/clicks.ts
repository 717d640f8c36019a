/** Clicks in a rendered text: footnotes and back, headings, boxes of tasks. */
import { wantHeading } from '../../state/heading';

export interface Clicks {
  /** The address of the page that is read. */
  page: string;
  /** Turns the task on a line of the file; absent where that cannot be. */
  task?: ((line: number, done: boolean) => void) | undefined;
}

export function listen(root: HTMLElement, clicks: Clicks): () => void {
  const click = (event: MouseEvent) => {
    const target = event.target instanceof Element ? event.target : null;
    const box = target?.closest<HTMLInputElement>('input.task[data-line]');
    // A task of an embedded note is that note's.
    if (box && clicks.task && !box.closest('.embedded-note')) {
      // The text says how it stands; it is drawn anew when that changes.
      event.preventDefault();
      clicks.task(Number(box.dataset['line']), box.hasAttribute('checked'));
      return;
    }
    const link = target?.closest('a');
    if (!link || event.defaultPrevented) return;
    const { note, noteBack, heading } = link.dataset;
    const href = link.getAttribute('href') ?? '';
    const here = href === '#' || (heading !== undefined && href === clicks.page);
    if (heading !== undefined && !here) return wantHeading(href, heading);
    if (note !== undefined) show(root, `[data-note-text="${Number(note)}"]`);
    else if (noteBack !== undefined) show(root, `a[data-note="${Number(noteBack)}"]`);
    else if (heading !== undefined) showHeading(root, heading);
    if (here) event.preventDefault();
  };
  root.addEventListener('click', click);
  return () => root.removeEventListener('click', click);
}

export const showHeading = (root: ParentNode, heading: string): void => show(root, `[data-heading="${CSS.escape(heading)}"]:is(h1, h2, h3, h4, h5, h6)`);

/** The box on a line of the file, from 0. */
export const showLine = (root: ParentNode, line: number): void => show(root, `input.task[data-line="${line}"]`);

function show(root: ParentNode, what: string): void {
  const element = root.querySelector<HTMLElement>(what);
  if (!element) return;
  element.scrollIntoView({ block: 'center' });
  element.tabIndex = element.tabIndex >= 0 ? element.tabIndex : -1;
  element.focus({ preventScroll: true });
}
