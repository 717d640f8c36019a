/**
 * Joining by ticket. Somebody may have to say yes first, which takes as long as it takes: the question is not bound to a form, and a page
 * that is loaded anew goes on asking.
 */
import * as api from '../api/client';
import { t } from '../i18n/all';
import { desk, words } from './desk.svelte';
import { me } from './me.svelte';
import { links, router } from './route.svelte';

const KEY = 'codex.joining';
const AGAIN_MS = 3000;

/** What is asked for. A phrase is never kept. */
interface Asked {
  ticket: string;
  path: string;
}

function kept(): Asked | null {
  try {
    const { ticket, path } = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Asked;
    return { ticket: String(ticket), path: String(path) };
  } catch {
    return null;
  }
}

class Joining {
  asked = $state.raw<Asked | null>(null);
  problem = $state<string | null>(null);
  #stop: AbortController | null = null;

  /** Goes on with what this browser asked before. */
  resume(): void {
    const before = kept();
    if (before) void this.begin(before.ticket, before.path, '');
  }

  /** Answers whether it was joined. */
  async begin(ticket: string, path: string, phrase: string): Promise<boolean> {
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    this.problem = null;
    this.#keep({ ticket, path }, phrase === '');
    try {
      const made = await api.join(ticket, path, phrase, me.name, stop.signal);
      this.#keep(null);
      if (made.id) me.tell(made.id);
      desk.say(t.people.joined);
      await desk.readStatus();
      const key = made.slug ?? made.id;
      if (key && ['people', 'add', 'home'].includes(router.route.page)) router.go(links.notebook(key));
      return true;
    } catch (error) {
      if (stop.signal.aborted) return false;
      if (phrase === '' && error instanceof api.ApiError && error.status === 0) {
        // The daemon was started anew, or the laptop slept.
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        return stop.signal.aborted ? false : this.begin(ticket, path, phrase);
      }
      this.#keep(null);
      this.problem = words(error);
      return false;
    }
  }

  stop(): void {
    this.#stop?.abort();
    this.#keep(null);
  }

  #keep(asked: Asked | null, again = true): void {
    this.asked = asked;
    try {
      if (asked && again) localStorage.setItem(KEY, JSON.stringify(asked));
      else localStorage.removeItem(KEY);
    } catch {
      // A browser that keeps nothing asks once.
    }
  }
}

export const joining = new Joining();
