// It is given one entry and nothing else, and gives back what is new of it: its text, its properties, or nothing.
codex.transformer(({ text }) => ({ text: text.replace(/[ \t]+$/gm, '') }));
