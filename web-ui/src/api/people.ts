/** People, devices and bundles: who may do what in a notebook. */
import type { components } from './schema';
import { BASE, json, query, sendFile } from './client';
import type { Page, PeerRow } from './types';

type Schemas = components['schemas'];

export type Member = Schemas['Member'];
export type HeldBack = Schemas['HeldBack'];
export type Rule = Schemas['Rule'];
export type Imported = Schemas['BundleImported'];

/** An invitation that was made here. */
export type GivenOut = Schemas['GivenOut'];

const id = encodeURIComponent;

export const members = (notebook: string) => json<Page<Member>>('GET', `/members${query({ notebook })}`);
export const peersOf = (notebook: string) => json<Page<PeerRow>>('GET', `/peers${query({ notebook })}`);
/** Another role for a person, or `none` to remove them. */
export const setRole = (notebook: string, who: string, role: string) => json<unknown>('POST', '/roles', { body: { notebook, who, role } });
/** Cuts a device off for good. */
export const revoke = (notebook: string, device: string) => json<unknown>('POST', '/revocations', { body: { notebook, device } });
export const quarantine = (notebook: string) => json<Page<HeldBack>>('GET', `/quarantine${query({ notebook })}`);
/** Accepts what a device wrote and did not count. */
export const release = (notebook: string, device: string) => json<unknown>('POST', '/releases', { body: { notebook, device } });
export const rule = (nb: string) => json<Rule>('GET', `/notebooks/${id(nb)}/seal-rule`);
export const setRule = (nb: string, needed: number, of: string[]) => json<unknown>('PUT', `/notebooks/${id(nb)}/seal-rule`, { body: { needed, of } });
export const setProfile = (notebook: string, name: string, colour: string) =>
  json<unknown>('POST', '/profile', { body: { notebook, name, colour } });

export const invites = () => json<Page<GivenOut>>('GET', '/invites');
/** Makes an invitation void. */
export const withdraw = (invite: string) => json<unknown>('DELETE', `/invites/${id(invite)}`);

/** Where a notebook's bundle can be had, for everybody or for one device. */
export const bundleUrl = (nb: string, reader: string, whole: boolean) =>
  `${BASE}/notebooks/${id(nb)}/bundle${query({ reader, whole: whole ? 'true' : undefined })}`;
export const importBundle = (file: Blob, sent: (bytes: number) => void) => sendFile<Imported>('/bundles/upload', file, sent);
