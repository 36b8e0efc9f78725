/** The certificate of an ACME CA, which answers later: what a user sees meanwhile, and what is left in the zone. */
import type { Texts } from '../../testkit/cas/acme-scene.ts';
import { type Endpoint, waitFor } from '../../testkit/local-aws/client.ts';
import type { EventCollector } from '../../testkit/local-aws/events.ts';
import type { DemoPebble } from './cas.ts';
import { look, type Snapshot } from './certificates.ts';
import { ACME } from './configuration.ts';
import { claim } from './proof.ts';
import { commandLine, say, table, waiting } from './telling.ts';

/** Shows the zone's TXT records, and proves that they are as before the first order. */
export async function showTexts({ domain, before, texts }: DemoPebble): Promise<void> {
  const now = await texts();
  table([['TXT record', 'values'], ...Object.entries(now).map(([name, values]) => [name, values.join(', ')])]);
  claim(`the TXT records of ${domain} are as before the order`, JSON.stringify(now) === JSON.stringify(before));
}

/** Renews now. Shows what a user sees while the CA works, and returns the certificate then. */
export async function showWaiting(
  aws: Parameters<typeof commandLine>[0] & Endpoint,
  pebble: DemoPebble,
  bus: EventCollector,
): Promise<Snapshot> {
  const { current } = await look(aws, ACME);
  const { orders } = await pebble.counts();
  await commandLine(aws, 'renew', ACME, '--force');
  const published = await waiting('waiting until the values of the challenges are in the zone', changedTexts(pebble));
  table([['TXT record', 'values'], ...Object.entries(published).map(([name, values]) => [name, values.join(', ')])]);
  await commandLine(aws, 'status', ACME);
  const renewed = bus.next(`the renewal of ${ACME}`, ({ detail }) => detail['previousVersionId'] === current, 120_000);
  await waiting('waiting for the CA: no Lambda runs meanwhile, a message comes back later', renewed);
  const { orders: after, finalizations } = await pebble.counts();
  claim('one order, and no other', after === orders + 1);
  say(`  Pebble has had ${after} orders and ${finalizations} finalisations.`);
  return look(aws, ACME);
}

const changedTexts = ({ texts, before }: DemoPebble): Promise<Texts> =>
  waitFor('the values of the challenges', async () => {
    const now = await texts();
    return JSON.stringify(now) !== JSON.stringify(before) && now;
  });
