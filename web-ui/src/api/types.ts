/**
 * The shapes of the daemon's HTTP API by the names that the page uses. They come from `schema.ts`, which is made
 * from the daemon's own `openapi.json` by `npm run types`; nothing here is made up by the page.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Device = Schemas['DeviceStatus'];
export type Status = Schemas['Status'];
export type Storage = Schemas['Storage'];
export type NotebookStatus = Schemas['NotebookStatus'];
export type Progress = Schemas['Progress'];
export type EntryKind = Schemas['EntryKind'];
export type TreeItem = Schemas['TreeItem'];
export type VersionRow = Schemas['VersionRow'];
export type SnippetPart = Schemas['SnippetPart'];
export type SearchHit = Schemas['SearchHit'];
export type Conflict = Schemas['Conflict'];
export type ConflictKind = Schemas['ConflictKind'];
export type LinkRow = Schemas['LinkRow'];
export type FileRow = Schemas['FileRow'];
export type SearchPage = Schemas['SearchPage'];
export type TagRow = Schemas['TagRow'];
export type BacklinkRow = Schemas['BacklinkRow'];
export type Graph = Schemas['Graph'];
export type LinkChanges = Schemas['LinkChanges'];
export type MoveUndo = Schemas['MoveUndo'];
export type SealItem = Schemas['SealItem'];
export type Signer = Schemas['Signer'];
/** Somebody who waits to be let in. */
export type Waiting = Schemas['Waiting'];
export type PeerRow = Schemas['PeerRow'];
/** What a page says of itself on an entry's socket, and what it hears of others. */
export type Presence = Schemas['Presence'];
export type Heard = Schemas['Heard'];
/** One message of the event socket. */
export type Notice = Schemas['DeskEvent'];

export interface Page<T> {
  items: T[];
  cursor?: string | null;
}

/** Any JSON value. */
export type PropertyValue = string | number | boolean | null | PropertyValue[] | { [key: string]: PropertyValue };

export type NotebookProperties = Omit<Schemas['NotebookProperties'], 'properties'> & { properties: Record<string, PropertyValue> };
export type PropertyType = Schemas['PropertyType'];
export type PropertyKey = Schemas['KeyRow'];
export type EntryDetails = Omit<Schemas['EntryDetails'], 'properties'> & { properties: Record<string, PropertyValue> };
