/** What the parts of a text and of code are called in the style sheet. */
import { HighlightStyle } from '@codemirror/language';
import { tags } from '@lezer/highlight';

export const highlighting = HighlightStyle.define([
  { tag: tags.heading1, class: 'tok-h1' },
  { tag: tags.heading2, class: 'tok-h2' },
  { tag: tags.heading3, class: 'tok-h3' },
  { tag: [tags.heading4, tags.heading5, tags.heading6], class: 'tok-h4' },
  { tag: tags.strong, class: 'tok-strong' },
  { tag: tags.emphasis, class: 'tok-em' },
  { tag: tags.strikethrough, class: 'tok-strike' },
  { tag: tags.link, class: 'tok-link' },
  { tag: tags.url, class: 'tok-url' },
  { tag: tags.monospace, class: 'tok-code' },
  { tag: tags.quote, class: 'tok-quote' },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName], class: 'tok-mark' },
  { tag: [tags.comment, tags.meta], class: 'tok-comment' },
  { tag: [tags.keyword, tags.tagName, tags.modifier, tags.operatorKeyword], class: 'tok-keyword' },
  { tag: [tags.string, tags.attributeValue, tags.regexp], class: 'tok-string' },
  { tag: [tags.number, tags.bool, tags.atom, tags.null], class: 'tok-number' },
  { tag: [tags.typeName, tags.className, tags.namespace], class: 'tok-type' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.attributeName], class: 'tok-function' },
]);
