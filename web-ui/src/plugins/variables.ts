/** What a frame is told of how the page looks. */

/** The variables of themes that views and blocks know, each with the page's own that it is. */
export const VARIABLES: Record<string, string> = {
  '--color-background': '--ground',
  '--color-surface': '--raised',
  '--color-surface-sunken': '--side',
  '--color-text': '--ink',
  '--color-text-secondary': '--quiet',
  '--color-border': '--line',
  '--color-border-strong': '--line-strong',
  '--color-accent': '--accent',
  '--color-on-accent': '--on-accent',
  '--color-focus': '--focus',
  '--color-selected': '--chosen',
  '--color-hover': '--hover',
  '--color-success': '--good',
  '--color-warning': '--warn',
  '--color-error': '--bad',
  '--font-sans': '--sans',
  '--font-mono': '--mono',
  '--radius-medium': '--radius',
  '--shadow-medium': '--shadow',
};

export interface FrameTheme {
  dark: boolean;
  reducedMotion: boolean;
  variables: Record<string, string>;
}

export function frameTheme(dark: boolean): FrameTheme {
  const style = getComputedStyle(document.body);
  const variables: Record<string, string> = {};
  for (const [name, from] of Object.entries(VARIABLES)) {
    const value = style.getPropertyValue(from).trim();
    if (value !== '') variables[name] = value;
  }
  return { dark, reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches, variables };
}
