/** The words of the first load, and those of pages that are loaded when they are opened: these take them from here. */
import { t as first } from './en';
import { conflicts } from './en-conflicts';
import { help, settings, welcome } from './en-help';
import { people } from './en-people';

export const t = { ...first, conflicts, people, welcome, help, settings };
