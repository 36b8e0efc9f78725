import { withDeclarations } from './draw-declared.ts';
import { withOrders } from './draw-ordered.ts';
import { withServers } from './draw-served.ts';
import { drawUndeclared, type Plan } from './plan.ts';

/** Draws the plan of a seed. Each part has its own random stream, so that it is the same with and without the parts after it. */
export const drawPlan = (seed: number): Plan => withServers(drawOrdered(seed));

/** Without servers. */
export const drawOrdered = (seed: number): Plan => withOrders(drawDeclared(seed));

/** Without a CA that answers later. */
export const drawDeclared = (seed: number): Plan => withDeclarations(drawUndeclared(seed));
