/** What the first run, the help and the settings say. */
import { many } from './format';

export const welcome = {
  title: 'A journal that lives in plain folders',
  intro: 'Codex keeps a folder of yours as a notebook: every version, on every device you share it with, without a server.',
  you: 'Who are you?',
  youHelp: 'Colleagues see this name and colour beside what you write. You can change both later, in the settings.',
  nameFirst: 'Say your name first: it stands beside everything you write, and what is written stays as it is.',
  yourName: 'Your name',
  yourColour: 'Your colour',
  colour: (n: number) => `Colour ${n}`,
  begin: 'How do you want to begin?',
  open: 'Open a folder',
  openHelp: 'A new or existing folder. Its files stay where they are, in the form they have.',
  path: 'Full path of the folder',
  pathExample: '/home/me/journal',
  name: 'Name',
  nameOptional: 'Name (empty: the folder’s name)',
  start: 'Make it a notebook',
  example: 'Look around first',
  exampleHelp: 'An example notebook with a few entries, a table, a picture, and tasks. It is yours: change it, and forget it when you have seen enough.',
  exampleDo: 'Start the example',
  orJoin: 'Join a notebook',
};

interface Keys {
  keys: string;
  does: string;
}

export const help = {
  title: 'Help',
  close: 'Close',
  intro: 'Everything can be done by keyboard. On a Mac, ⌘ stands for Ctrl.',
  more: 'The guide explains the rest: docs/guide.md in the source, or “codexd --help” in a terminal.',
  /** Keys that belong to one part of the page; the others are those of `state/commands`. */
  groups: [
    {
      title: 'In the tree',
      keys: [
        { keys: '↑ ↓ ← →', does: 'Move; open and close folders' },
        { keys: 'Enter', does: 'Open the entry' },
        { keys: 'Shift ↑ ↓', does: 'Select several' },
        { keys: 'Ctrl Space', does: 'Add to the selection, or take out' },
        { keys: 'Ctrl A', does: 'Select all' },
        { keys: 'F2', does: 'Rename' },
        { keys: 'Shift M', does: 'Move to a folder' },
        { keys: 'Ctrl X, Ctrl V', does: 'Cut, and put here' },
        { keys: 'Del', does: 'Delete, to the trash' },
        { keys: 'Shift F10', does: 'Menu of what can be done' },
        { keys: 'A to Z', does: 'To the next name that begins so' },
      ],
    },
    {
      title: 'In the list of tasks',
      keys: [
        { keys: 'Space', does: 'Done, or to be done again' },
        { keys: 'Enter', does: 'To its line' },
        { keys: 'E', does: 'When and who' },
        { keys: 'Ctrl Z', does: 'Undo the last tick' },
      ],
    },
    {
      title: 'In a text',
      keys: [
        { keys: 'Ctrl Z', does: 'Undo what you typed' },
        { keys: 'Ctrl F', does: 'Find in the text' },
      ],
    },
    {
      title: 'In a large picture',
      keys: [
        { keys: '← →', does: 'The picture before, the next' },
        { keys: '+ − 0', does: 'Larger, smaller, fit' },
      ],
    },
  ] as { title: string; keys: Keys[] }[],
};

export const settings = {
  title: 'Settings',
  you: 'You',
  youSave: 'Save',
  youSaved: 'Your notebooks say so now.',
  appearance: 'Appearance',
  appearances: { system: 'As the system', light: 'Light', dark: 'Dark' } as Record<string, string>,
  device: 'This device',
  deviceName: 'Name',
  deviceNameHelp: 'Set by device_name in config.toml in the program’s folder.',
  fingerprint: 'Fingerprint',
  addresses: 'Reached at',
  version: 'Version',
  home: 'Program’s folder',
  otherDevices: 'Other devices and people',
  plugins: 'Plugins: views, blocks, themes and services',
  notebooks: 'Notebooks',
  notebookName: 'Name on this device',
  fetch: 'Attachments fetched here',
  fetches: { all: 'All', below: 'Smaller ones only', 'on-demand': 'Only when asked for' } as Record<string, string>,
  below: 'Up to (MB)',
  pause: 'Pause',
  resume: 'Go on',
  pauseHelp: 'While a notebook is paused, neither its files nor its history are touched, and nothing is sent or received.',
  ignore: 'What is left out',
  ignoreHelp: 'The file .codexignore says which files are no entries, in the way of .gitignore.',
  ignoreEdit: 'Edit .codexignore',
  ignoreStart: '# One pattern on each line, as in .gitignore. What matches stays on the disk and is no entry.\n# *.tmp\n# scratch/\n',
  git: 'Text history in Git',
  gitKept: 'Kept in the folder’s .git: git log and git blame work there. Where the repository is your own, Codex writes only to refs/codex/history.',
  gitNone: 'Not there yet. It begins by itself soon after the first change.',
  recovery: 'Recovery phrase',
  recoveryHelp: 'Twelve words on paper. With them and a ticket, a new device can become yours again when all others are lost. A new phrase makes the earlier one void.',
  recoveryMake: 'Make a phrase',
  recoveryShown: 'Write these down now. They are kept nowhere, and are not shown again.',
  forget: 'Forget on this device',
  forgetTitle: (name: string) => `Forget ${name} on this device?`,
  forgetText: 'It no longer shows here, and nothing is sent or received. No file is touched; opening the folder again goes on where it stopped.',
  forgotten: (name: string) => `${name} is no longer a notebook here. Its folder is untouched.`,
  storage: 'Storage',
  storageIntro: (attachments: string, home: string) => `Attachments of all notebooks, older versions too, take ${attachments}. The program’s folder takes ${home} in all.`,
  storageFree: (free: string) => `${free} are free on that disk.`,
  history: 'History',
  index: 'Index',
  backups: 'Backups',
  gitColumn: 'Git',
  freeing: 'History and attachments are never removed. The index can be made anew at any time; backups are copies from before an update and may be deleted from the folder’s .codex when all is well.',
  rebuild: 'Make the index anew',
  rebuilding: 'The index is being made anew.',
  shortcuts: 'Shortcuts',
  saved: 'Saved.',
  entries: (n: number) => many(n, 'entry', 'entries'),
};
