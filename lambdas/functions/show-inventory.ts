import type { Context } from 'aws-lambda';
import { composeInventory, policyFor } from '../compose.ts';
import { type InventoryRow, inventoryRow } from '../inventory/row.ts';
import { asksForDescription, widgetDescription, widgetHtml, widgetRequest } from '../inventory/widget.ts';
import { candidates, profilesOf } from '../renewal/scan/candidates.ts';
import { withoutCause } from './edge.ts';

const { journal, world: worldOf, target } = await composeInventory();
type World = ReturnType<typeof worldOf>;

/** Returns the dashboard's inventory as HTML for CloudWatch. */
export async function handler(event: unknown, context: Context): Promise<string> {
  if (asksForDescription(event)) return widgetDescription;
  journal.begin(context.awsRequestId);
  const world = worldOf(policyFor(context));
  try {
    const now = world.clock.now();
    const rows = await readRows(world, now);
    return widgetHtml(rows, widgetRequest(event), { now, target, endpoint: context.invokedFunctionArn });
  } catch (thrown) {
    journal.failure({ secretArn: null, error: thrown });
    throw withoutCause(thrown);
  }
}

async function readRows(world: World, now: number): Promise<InventoryRow[]> {
  const terms = { now, step: world.untilNextScan(now), rotationFunctionArn: world.rotationFunctionArn };
  const rows: InventoryRow[] = [];
  for await (const page of candidates(world)) {
    const profileOf = await profilesOf(world, page);
    rows.push(...page.map((each) => inventoryRow(each, profileOf(each), terms)));
  }
  return rows;
}
