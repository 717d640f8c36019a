/** Who takes part in one notebook, and how everything between them stands. */
import * as api from '../api/client';
import * as people from '../api/people';
import type { NotebookStatus, PeerRow, Waiting } from '../api/types';
import { desk, words } from './desk.svelte';

export type Role = 'owner' | 'editor' | 'commenter' | 'viewer';
export const ROLES: Role[] = ['owner', 'editor', 'commenter', 'viewer'];

export interface Device {
  id: string;
  name: string;
  fingerprint: string;
  revoked: boolean;
  own: boolean;
  /** How it stands; nothing for this device. */
  peer: PeerRow | undefined;
  turnedAway: boolean;
}

export interface Person {
  id: string;
  name: string;
  /** The name, with the fingerprint if somebody else has it too. */
  who: string;
  colour: string | null;
  role: Role | null;
  /** The person whose device this is. */
  own: boolean;
  devices: Device[];
}

/** Devices by person, oneself first, then by name. Pure. */
export function byPerson(members: readonly people.Member[], peers: readonly PeerRow[], away: ReadonlySet<string>): Person[] {
  const found = new Map<string, Person>();
  for (const one of members) {
    const person = found.get(one.person) ?? {
      id: one.person, name: one.person_name || one.name, who: one.who || one.name, colour: one.colour ?? null, role: null, own: false, devices: [],
    };
    found.set(one.person, person);
    person.own ||= one.this_device;
    person.role ??= (one.role as Role | null | undefined) ?? null;
    person.devices.push({
      id: one.device, name: one.name || one.device.slice(0, 10), fingerprint: one.fingerprint, revoked: one.revoked, own: one.this_device,
      peer: peers.find((peer) => peer.device === one.device), turnedAway: away.has(one.device),
    });
  }
  return [...found.values()].sort((a, b) => Number(b.own) - Number(a.own) || a.name.localeCompare(b.name));
}

export class People {
  persons = $state.raw<Person[]>([]);
  rule = $state.raw<people.Rule | null>(null);
  aside = $state.raw<people.HeldBack[]>([]);
  waiting = $state.raw<Waiting[]>([]);
  problem = $state<string | null>(null);
  loaded = $state(false);

  /** Questions asked so far: only the last one's answer counts. */
  #asked = 0;

  async read(notebook: NotebookStatus | undefined): Promise<void> {
    const number = (this.#asked += 1);
    await api.requests().then((page) => (this.waiting = page.items), () => {});
    if (!notebook || notebook.state === 'failed' || notebook.state === 'joining') return;
    try {
      const [members, peers, rule, aside] = await Promise.all([
        people.members(notebook.id), people.peersOf(notebook.id), people.rule(notebook.id), people.quarantine(notebook.id),
      ]);
      if (number !== this.#asked) return;
      const away = new Set(notebook.peers.filter((peer) => peer.turned_away).map((peer) => peer.device));
      this.persons = byPerson(members.items, peers.items, away);
      this.rule = rule;
      this.aside = aside.items;
      this.problem = null;
      this.loaded = true;
    } catch (error) {
      if (number === this.#asked) this.problem = words(error);
    }
  }

  async answer(one: Waiting, how: 'approve' | 'reject', notebook: NotebookStatus | undefined): Promise<void> {
    try {
      await api.answer(one.id, how);
    } catch (error) {
      desk.fail(error);
    }
    await this.read(notebook);
  }
}
