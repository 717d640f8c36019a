/** What the daemon's HTTP API says, as in its contract. Nothing here is made up by the page. */

export interface Device {
  id: string;
  name: string;
}

export interface Peer {
  device: string;
  name: string;
  connected: boolean;
  records_behind: number;
  blobs_missing: number;
}

export interface Scan {
  busy: boolean;
  looked_at: number;
  read: number;
}

export type NotebookState = 'ready' | 'scanning' | 'paused' | 'held' | 'joining' | 'failed';

export interface NotebookStatus {
  id: string;
  slug: string;
  name: string;
  path: string;
  state: NotebookState;
  reason?: string | null;
  entries: number;
  pending: number;
  unsynced_records: number;
  blobs_missing: number;
  peers: Peer[];
  /** Devices that hold everything this one holds, this one included; and members in all. */
  held_by: [number, number];
  scan?: Scan | null;
}

export interface Status {
  device: Device;
  notebooks: NotebookStatus[];
}

export type EntryKind = 'text' | 'blob' | 'folder' | 'symlink';

/** One row of the tree. */
export interface TreeItem {
  id: string;
  name: string;
  path: string;
  kind: EntryKind;
  media_type?: string | null;
  size?: number | null;
  children?: number | null;
  modified?: string | null;
}

export interface Page<T> {
  items: T[];
  cursor?: string | null;
}

export type PropertyValue =
  | string
  | number
  | boolean
  | null
  | PropertyValue[]
  | { [key: string]: PropertyValue };

export interface EntryDetails {
  id: string;
  path: string;
  kind: EntryKind;
  media_type?: string | null;
  size?: number | null;
  hash?: string | null;
  version: string;
  properties?: Record<string, PropertyValue> | null;
  tags?: string[] | null;
  title?: string | null;
  created?: string | null;
  modified?: string | null;
  /** The device that made the last change, and what it calls itself. */
  author?: string | null;
  author_name?: string | null;
  available?: boolean;
  warnings?: (string | { message?: string })[] | null;
}

export interface VersionRow {
  version: string;
  device: string;
  device_name?: string | null;
  time: string;
}

export interface SnippetPart {
  text: string;
  hit: boolean;
}

export interface SearchHit {
  notebook: string;
  entry: string;
  path: string;
  title?: string | null;
  snippet: SnippetPart[];
  score: number;
}

export interface ConflictKind {
  type: string;
  key?: string;
  shown?: string;
  others?: string[];
  copy?: string;
  other?: string;
}

export interface Conflict {
  notebook: string;
  number: number;
  entry: string;
  path: string;
  kind: ConflictKind;
  noticed?: string | null;
}

export interface PeerRow {
  device: string;
  name: string;
  connected: boolean;
  notebook?: string;
  role?: string;
  records_behind?: number;
  blobs_missing?: number;
}

/** One message of the event socket. */
export interface Notice {
  number: number;
  type: string;
  notebook?: string;
  entry?: string;
  path?: string;
  old_path?: string;
  version?: string;
  by?: string;
  /** In words, where there is something to say. */
  message?: string;
}
