/** What an entry is to be called: which names there can be, and which of them not everywhere. Pure. */

/** The file of a note: without an ending it is Markdown, a hidden one too. */
export const noteFile = (name: string): string => (/[^./]\.[a-z0-9]{1,8}$/i.test(name) ? name : `${name}.md`);

/** Whether a path, from the folder where it is made, names something in every part. */
export const isPath = (path: string): boolean => path.split('/').every((part) => part.trim() !== '' && part !== '.' && part !== '..');

const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** The parts of a path that Windows cannot hold; nobody is kept from them, and a ZIP or a folder that is shared with it suffers. */
export const notOnWindows = (path: string): string[] =>
  path.split('/').filter((part) => DEVICE.test(part) || /[\\:*?"<>|\u0000-\u001f]/.test(part) || /[. ]$/.test(part));
