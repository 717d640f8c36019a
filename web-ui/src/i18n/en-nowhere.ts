/** What the page says whose address leads nowhere. */
export const nowhere = {
  title: 'There is nothing here',
  address: 'This address names no page. These are the notebooks on this device:',
  notebook: (name: string) => `There is no notebook “${name}” on this device. It may have been forgotten, or the link was made on another one. These are here:`,
};
