/** What a plugin's script is given: the global `codex`. See docs/plugins.md. */

/** A value of JSON. */
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Keys of anybody's choice. It has no prototype: `toString` in it is a key like any other. */
type Dict<T> = { [key: string]: T };

/** An entry, as a query finds it. */
interface CodexFile {
  readonly notebook: string;
  readonly id: string;
  readonly path: string;
  readonly name: string;
  readonly kind: string;
  readonly media_type: string;
  readonly size: number;
  readonly hash: string;
  readonly title: string;
  readonly properties: Dict<Json>;
  readonly tags: string[];
  /** RFC 3339. */
  readonly created: string;
  /** RFC 3339. */
  readonly modified: string;
  readonly author: string;
}

interface CodexAnswer {
  files: CodexFile[];
  /** With `group_by`: value → its files, in the order of the values. */
  groups: Dict<CodexFile[]> | null;
  /** Found in all; `files` may be one page of it. */
  total: number;
}

/** Why a call was refused. */
interface CodexRefusal {
  code: string;
  message: string;
}

interface CodexView {
  /** The element to draw into. */
  readonly root: HTMLElement;
  readonly kind: 'view' | 'block';
  /** The id of the view or block. */
  readonly name: string;
  readonly config: Dict<any>;
  readonly layout: Json[] | null;
  readonly files: CodexFile[];
  readonly groups: Dict<CodexFile[]> | null;
  readonly total: number;
  /** Of a block: its `key: value` lines. */
  readonly values: Dict<Json>;
  readonly body: string;
  /** What `keep` kept for this place, on this device. */
  readonly kept: Dict<Json>;
  readonly theme: { dark: boolean; reducedMotion: boolean };
  readonly locale: string;
  /** `2026-12-01`. */
  readonly today: string;
  /** The first day of the week: 1 is Monday, 7 is Sunday. */
  readonly weekStart: number;
  /** Called when any of these is new. */
  onchange: () => void;
  query(query: Dict<Json>): Promise<CodexAnswer>;
  entry(file: CodexFile | string): Promise<Dict<any>>;
  text(file: CodexFile | string): Promise<{ text: string; version: string }>;
  /** An address for `<img>`; `size` in pixels is what it must fill. */
  picture(file: CodexFile, size: number): Promise<string>;
  /** Sets properties, `null` removes. It shows at once, and is taken back with a message when refused: then it answers `false`. */
  set(file: CodexFile, properties: Dict<Json>): Promise<boolean>;
  create(entry: { path: string; text: string; properties?: Dict<Json> }): Promise<{ entry: string }>;
  write(file: CodexFile | string, text: string, version: string): Promise<{ version: string }>;
  /** Keeps values for the next time that it is shown here, `null` takes one away. Needs `store_config`; `false` if it is refused. */
  keep(values: Dict<Json>): Promise<boolean>;
  call(endpoint: string, parameters?: Dict<Json>): Promise<{ data: any; as_of: string; stale: boolean }>;
  open(file: CodexFile | string, at?: { line?: number }): void;
  select(files: CodexFile[]): void;
  say(text: string): void;
  /** Shows the view of another `.cdx` in the place of an element; `null` takes it away. */
  place(element: Element, path: string | null): void;
  /** The frame is as high as what is drawn, instead of filling the page. */
  fit(): void;
}

type Child = Node | string | number | null | undefined | false | Child[];

/** Pixels from the top left. */
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface ListOptions<T> {
  items: T[];
  /** Draws one. */
  row(item: T, index: number): HTMLElement;
  /** What stays the same when an item is new. */
  key(item: T): string;
  /** `list`, or `rowgroup` within what is a grid. */
  role?: string;
  rowRole?: string;
  label?: string;
  /** Pixels of a row before it is measured. */
  estimate?: number;
  /** Items beside one another. 1 if not given. */
  columns?: number;
  /** Pixels between items. */
  gap?: number;
  /** Says where everything is, instead of one below the other. `width` is that of the list. */
  place?(items: T[], width: number): Box[];
  /** What stands above the rows, and scrolls with them. */
  header?: HTMLElement;
  /** Enter, or a click beside what can be clicked in the row. */
  onopen?(item: T, index: number): void;
  /** A key in a row; `true` if it was meant for it. */
  onkey?(event: KeyboardEvent, item: T, index: number): boolean | void;
  /** The right button, the menu key. */
  onmenu?(item: T, anchor: HTMLElement): void;
  onfocus?(item: T, index: number): void;
}

interface CodexList<T> {
  readonly element: HTMLElement;
  readonly items: T[];
  /** The item that has the keyboard. */
  readonly active: number;
  set(items: T[], columns?: number): void;
  /** Draws all rows anew. */
  redraw(): void;
  indexOf(key: string): number;
  show(index: number): void;
  focus(index: number): void;
  /** The element of an item, if it is in the page. */
  at(index: number): HTMLElement | null;
}

interface MenuItem {
  text: string;
  act(): void;
  checked?: boolean;
  disabled?: boolean;
}

interface FieldOptions {
  label: string;
  value: Json | undefined;
  /** What can be chosen (`select`), or is offered (`text`). */
  options?: string[];
  /** Of which type it is; else as the value is, and the label sounds. */
  kind?: 'text' | 'number' | 'date' | 'checkbox' | 'list' | 'select';
}

interface EditOptions extends FieldOptions {
  save(value: Json): void;
}

interface DragOptions {
  /** What is dragged: an element that the selector finds, around where the pointer went down. */
  item: string;
  /** Where it may be dropped. */
  target: string;
  /** No copy of it follows the pointer; `move` shows what happens. */
  bare?: boolean;
  /** `event` is that of the pointer going down; `false` leaves it where it is. */
  start?(item: HTMLElement, event: PointerEvent): boolean | void;
  move?(item: HTMLElement, target: HTMLElement | null, event: PointerEvent): void;
  drop(item: HTMLElement, target: HTMLElement | null, event: PointerEvent): void;
  cancel?(item: HTMLElement): void;
}

interface Codex {
  /** The version of the protocol. */
  readonly version: 1;
  /** What it throws, or what its promise is refused with, is named in the place of the view. */
  start(draw: (view: CodexView) => void | Promise<void>): void;
  /** An element: attributes as HTML names them (`class`; `className` means the same), `on…` functions, `style` and `dataset` as objects. Text is text. */
  h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Dict<any> | null, ...children: Child[]): HTMLElementTagNameMap[K];
  /** As `h`, an element of SVG. */
  svg(tag: string, attributes?: Dict<any> | null, ...children: Child[]): SVGElement;
  /** A list of any length that keeps few rows in the page. */
  list<T>(options: ListOptions<T>): CodexList<T>;
  menu(anchor: Element, items: MenuItem[], label?: string): void;
  /** A field for one property; `offered` belongs beside it, `read` says what it holds. */
  field(options: FieldOptions): { input: HTMLInputElement | HTMLSelectElement; offered: HTMLElement | null; kind: string; read(): Json };
  /** A field for one property, beside an element. */
  edit(anchor: Element, options: EditOptions): void;
  /** Moves things with the pointer. */
  drag(container: HTMLElement, options: DragOptions): void;
  /** A `<img>` that gets its picture when it is in the page. */
  image(file: CodexFile, size: number, attributes?: Dict<any>): HTMLImageElement;
  /** An entry's title and some of its fields. */
  card(file: CodexFile, fields: string[], attributes?: Dict<any>): HTMLElement;
  fields(file: CodexFile, names: string[]): HTMLElement | null;
  empty(title: string, hint?: string): HTMLElement;
  /** “100 of 432 entries are shown” when there are more; else nothing. */
  more(): HTMLElement | null;
  /** For screen readers. */
  announce(text: string): void;
  /** What names an entry in all notebooks. */
  key(file: CodexFile): string;
  /** `title`, `modified`, `properties.status`, `status` … of an entry. `created` is its property, where that is a date; `file_created` is always the file's. */
  get(file: CodexFile, name: string): Json | undefined;
  /** As `properties` of a query: equal, or one of; `null` is not set. */
  matches(file: CodexFile, filter: Dict<Json>): boolean;
  /** Numbers by value and before text, text as people order names, nothing last. */
  compare(a: Json | undefined, b: Json | undefined): number;
  /** By `column asc|desc, …`, as `sort` of a query. */
  sorted(files: CodexFile[], sort: unknown): CodexFile[];
  /** What a sort is by. */
  sortKeys(sort: unknown): { name: string; descending: boolean }[];
  /** The texts that a property has in these entries, at most some sixty. */
  valuesOf(files: CodexFile[], name: string): string[];
  /** Status says it is done. */
  isDone(file: CodexFile): boolean;
  /** A moment; `time` if it has a time of day. */
  date(value: Json | undefined): { at: Date; time: boolean } | null;
  /** `2026-12-01` of a moment, here. */
  day(value: Json | Date | undefined): string;
  /** `due_date` → `Due date`. */
  label(name: string): string;
  /** Whatever a property is, as people read it. */
  format(value: Json | undefined): string;
  formatDate(value: Json | Date | undefined, options?: Intl.DateTimeFormatOptions): string;
  formatNumber(value: number, options?: Intl.NumberFormatOptions): string;
  formatSize(bytes: number): string;
  /** `3 entries`. */
  many(n: number, one: string, more: string): string;
}

declare const codex: Codex;
