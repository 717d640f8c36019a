/** A dialog over the page, shown as long as it is in it. */
export interface Modal {
  /** For `{@attach}`. */
  show(dialog: HTMLDialogElement): () => void;
  /** For its `onclose`. */
  closed(): void;
  /** While it is open, nothing behind it takes the focus, and no files are chosen: whoever showed it is told when it is closed. */
  close(): void;
  /** The same, and nobody is told: whoever calls this says it. */
  leave(): void;
}

export function modal(onclose: () => void): Modal {
  let element: HTMLDialogElement | null = null;
  /** Closed by whoever showed it: nobody is to be told, and nothing of it is to be read, any more. */
  let gone = false;
  const leave = () => {
    gone = true;
    element?.close();
  };
  return {
    show(dialog) {
      element = dialog;
      dialog.showModal();
      return leave;
    },
    closed: () => {
      if (!gone) onclose();
    },
    close: () => element?.close(),
    leave,
  };
}
