/** Opens the note of a day: the one that is there, or a new one. */
import * as planning from '../api/planning';
import { dayOf } from './days';
import { desk } from './desk.svelte';
import { links, router } from './route.svelte';

export async function openDay(notebook: string, day = dayOf(new Date())): Promise<void> {
  try {
    const { id } = await planning.daily(notebook, day);
    router.go(links.entry(notebook, id));
  } catch (error) {
    desk.fail(error);
  }
}
