/** Where the entries of a graph are drawn. Pure: the same graph gives the same picture. */
import { type SimulationLinkDatum, type SimulationNodeDatum, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
import type { Graph } from '../api/types';
import { baseName } from './tree-model';

type Known = Graph['nodes'][number];
export interface Label {
  text: string;
  x: number;
  y: number;
  anchor: 'start' | 'middle' | 'end';
}
export type Placed = Known & { x: number; y: number; radius: number; label: Label };

export interface Picture {
  nodes: Placed[];
  edges: { from: Placed; to: Placed }[];
  /** All of it, with room for names. */
  box: { x: number; y: number; width: number; height: number };
}

const TICKS = 300;
const ROOM = { across: 90, down: 34 };
/** Names are cut here, and take about so much room. */
const LETTERS = 26;
const LETTER = 6.9;
const LINE = 15;

export function drawn(graph: Graph): Picture {
  const bodies = graph.nodes.map((node): SimulationNodeDatum & Known => ({ ...node, ...(node.depth === 0 ? { fx: 0, fy: 0 } : {}) }));
  // One line between two, however often and whichever way they are linked.
  const pairs = [...new Map(graph.edges.filter(({ from, to }) => from !== to).map(({ from, to }) => [[from, to].toSorted().join(' '), { from, to }])).values()];
  const springs = pairs.map(({ from, to }): SimulationLinkDatum<SimulationNodeDatum & Known> => ({ source: from, target: to }));
  forceSimulation(bodies)
    .force('link', forceLink<SimulationNodeDatum & Known, SimulationLinkDatum<SimulationNodeDatum & Known>>(springs).id(({ entry }) => entry).distance(80))
    .force('charge', forceManyBody().strength(-340).distanceMax(500))
    .force('collide', forceCollide(30))
    // Wider than high, as screens are.
    .force('x', forceX(0).strength(0.03))
    .force('y', forceY(0).strength(0.08))
    .stop()
    .tick(TICKS);
  const nodes = named(bodies.map(({ entry, path, title, media_type, depth, x = 0, y = 0 }) => ({ entry, path, title, media_type, depth, x: Math.round(x), y: Math.round(y), radius: depth === 0 ? 10 : depth === 1 ? 7 : 5 })));
  const at = new Map(nodes.map((node) => [node.entry, node]));
  const edges = pairs.flatMap(({ from, to }) => {
    const [one, other] = [at.get(from), at.get(to)];
    return one && other ? [{ from: one, to: other }] : [];
  });
  const ends = nodes.flatMap(({ x, label }) => {
    const width = label.text.length * LETTER;
    // A name beside its entry reaches further than one below it.
    return label.anchor === 'start' ? [x, label.x + width - ROOM.across] : label.anchor === 'end' ? [x, label.x - width + ROOM.across] : [x];
  });
  const [left, right] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const [top, bottom] = [Math.min(0, ...nodes.map(({ y }) => y)), Math.max(0, ...nodes.map(({ y }) => y))];
  return { nodes, edges, box: { x: left - ROOM.across, y: top - ROOM.down, width: right - left + 2 * ROOM.across, height: bottom - top + 2 * ROOM.down } };
}

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const shared = (one: Area, other: Area): number =>
  Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left)) * Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));

/** Each name below its entry, above or beside it: where it covers least of what is there. The nearest choose first. */
function named(nodes: Omit<Placed, 'label'>[]): Placed[] {
  const taken = nodes.map(({ x, y, radius }): Area => ({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius }));
  const labels = new Map<string, Label>();
  for (const { entry, path, title, x, y, radius } of nodes.toSorted((one, other) => one.depth - other.depth)) {
    const name = title || baseName(path);
    const text = name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name;
    const width = text.length * LETTER;
    const away = radius + 4;
    const choices = ([[0, away + 11, 'middle'], [0, -away - 1, 'middle'], [away, 4, 'start'], [-away, 4, 'end']] as const).map(([dx, dy, anchor]) => {
      const left = x + dx - (anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0);
      const area = { left, right: left + width, top: y + dy - LINE + 3, bottom: y + dy + 3 };
      return { label: { text, x: x + dx, y: y + dy, anchor }, area, covers: taken.reduce((sum, each) => sum + shared(area, each), 0) };
    });
    const best = choices.reduce((one, other) => (other.covers < one.covers ? other : one));
    taken.push(best.area);
    labels.set(entry, best.label);
  }
  return nodes.flatMap((node) => {
    const label = labels.get(node.entry);
    return label ? [{ ...node, label }] : [];
  });
}
