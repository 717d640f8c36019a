/** Where the entries of a graph are drawn. Pure: the same graph gives the same picture. */
import { type SimulationLinkDatum, type SimulationNodeDatum, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
import type { Graph } from '../api/types';

type Known = Graph['nodes'][number];
export type Placed = Known & { x: number; y: number };

export interface Picture {
  nodes: Placed[];
  edges: { from: Placed; to: Placed }[];
  /** All of it, with room for names. */
  box: { x: number; y: number; width: number; height: number };
}

const TICKS = 300;
const ROOM = { across: 90, down: 34 };

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
  const nodes = bodies.map(({ entry, path, title, media_type, depth, x = 0, y = 0 }): Placed => ({ entry, path, title, media_type, depth, x: Math.round(x), y: Math.round(y) }));
  const at = new Map(nodes.map((node) => [node.entry, node]));
  const edges = pairs.flatMap(({ from, to }) => {
    const [one, other] = [at.get(from), at.get(to)];
    return one && other ? [{ from: one, to: other }] : [];
  });
  const [left, right] = [Math.min(0, ...nodes.map(({ x }) => x)), Math.max(0, ...nodes.map(({ x }) => x))];
  const [top, bottom] = [Math.min(0, ...nodes.map(({ y }) => y)), Math.max(0, ...nodes.map(({ y }) => y))];
  return { nodes, edges, box: { x: left - ROOM.across, y: top - ROOM.down, width: right - left + 2 * ROOM.across, height: bottom - top + 2 * ROOM.down } };
}
