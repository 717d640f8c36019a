/** What the parts of code are called in the style sheet. */
import { HighlightStyle } from '@codemirror/language';
import { tags } from '@lezer/highlight';

export const highlighting = HighlightStyle.define([
  { tag: [tags.comment, tags.meta, tags.processingInstruction], class: 'tok-comment' },
  { tag: [tags.keyword, tags.tagName, tags.modifier, tags.operatorKeyword], class: 'tok-keyword' },
  { tag: [tags.string, tags.attributeValue, tags.regexp], class: 'tok-string' },
  { tag: [tags.number, tags.bool, tags.atom, tags.null], class: 'tok-number' },
  { tag: [tags.typeName, tags.className, tags.namespace], class: 'tok-type' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.attributeName], class: 'tok-function' },
]);
