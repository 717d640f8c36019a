/** The reading side, in one piece: it is loaded when it is first needed. */
export { swap } from './blocks';
export { listen, showHeading, showLine } from './clicks';
export { keepSelected, markPassages, passageOf } from './passages';
export { enrich, showEmbed } from './enrich';
export { renderInline, renderText } from './render';
export { showSpot } from './spot';
export { renderStill, viewIn } from './still';
