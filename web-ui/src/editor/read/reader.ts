/** The reading side, in one piece: it is loaded when it is first needed. */
export { listen, showHeading } from './clicks';
export { enrich, showEmbed } from './enrich';
export { renderInline, renderText } from './render';
export { renderStill } from './still';
