/** Has the CA validate the names of an order (RFC 8555 sections 7.5 and 8). */
import { RenewalError } from '../../domain/errors.ts';
import type { CaAnswer } from '../../domain/ports.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { quotedName } from '../ca-answer.ts';
import { eachBounded } from './bounded.ts';
import type { Chosen } from './challenges/way.ts';
import { fetchAuthorizations } from './fetch-order.ts';
import type { OpenOrder } from './open-order.ts';
import { type Authorization, type Challenge, nameOf, type Order } from './order.ts';
import { pauseFor } from './pauses.ts';
import { Problem, wordsOf } from './problems.ts';
import { type Receipt, sealOrder, type Text, writeReceipt, type ZonePart } from './receipt.ts';

/** A CA that was told validates on its own. After this time its authorisations are looked at, because some CAs want to be told again. */
const untilToldAgain = 20_000;
/** Names in a message, and reasons for each. An order may have a hundred names. */
const mostNames = 10;
const mostReasons = 3;
/** Characters of a message. An event has 256 KB. */
const longestMessage = 4_000;

/** One step of a pending order. Throws CaRejected if a name can't be validated. */
export async function validate(open: OpenOrder, order: Order): Promise<CaAnswer> {
  const { exchange, account, receipt, text, signer } = open;
  const { ca, host, tools } = exchange;
  const now = tools.clock.now();
  let says = 'the CA validates the names';
  const wait = (answer: Pick<HttpsAnswer, 'headers'>, changed = text): CaAnswer => {
    const { placedAt } = receipt;
    const pause = pauseFor(says, answer, { now, placedAt, entropy: tools.entropy });
    return { kind: 'pending', receipt: changed, ...pause };
  };
  if (receipt.toldAt !== undefined && now < receipt.toldAt + untilToldAgain) return wait(order.answer);
  const authorizations = await fetchAuthorizations(account, order, host);
  if (authorizations.some(hasFailed)) throw await failure(open, order, authorizations);
  const chosen = authorizations
    .filter(({ status }) => status === 'pending')
    .map((authorization) => ({ authorization, challenge: ca.challenge.choose(authorization) }));
  const zones = withUnpublished(ca.challenge.textsFor(chosen, signer), receipt);
  if (zones !== undefined) {
    const seal = await sealOrder({ ...receipt, zones, directory: ca.address }, signer);
    const changed = writeReceipt({ ...receipt, zones, seal });
    return { kind: 'pending', receipt: changed, after: 0, says: 'the challenges are known' };
  }
  const complaint = chosen.find(({ challenge }) => challenge.error !== undefined);
  if (complaint !== undefined) {
    const { authorization, challenge } = complaint;
    says += `, and says of ${quotedName(nameOf(authorization))}: ${wordsOf(challenge.error)}`;
  }
  const untold = chosen.filter(({ challenge }) => wantsToBeTold(challenge, receipt));
  if (untold.length === 0) return wait(order.answer);
  const answers = await eachBounded(untold, (each) => tell(open, each));
  return wait(answers.at(-1) ?? order.answer, writeReceipt({ ...receipt, toldAt: now }));
}

const failures: ReadonlySet<Authorization['status']> = new Set(['invalid', 'deactivated', 'expired', 'revoked']);
const hasFailed = ({ status }: Authorization): boolean => failures.has(status);

/** A challenge that stays pending with an error waits for another request (section 8.2); step-ca does this. */
const wantsToBeTold = ({ status, error }: Challenge, { toldAt }: Receipt): boolean =>
  status === 'pending' && (toldAt === undefined || error !== undefined);

/** Returns the receipt's zones with the values that it lacks, or undefined if it has all. */
function withUnpublished(needed: ReadonlyMap<string, readonly Text[]>, receipt: Receipt): Receipt['zones'] | undefined {
  const zones: Record<string, ZonePart> = { ...receipt.zones };
  let isNew = false;
  for (const [id, texts] of needed) {
    const known = zones[id]?.texts ?? [];
    const missing = texts.filter(([domain, value]) => !known.some(([d, v]) => d === domain && v === value));
    if (missing.length === 0) continue;
    isNew = true;
    zones[id] = { texts: [...known, ...missing] };
  }
  return isNew ? zones : undefined;
}

async function tell({ exchange, account }: OpenOrder, { authorization, challenge }: Chosen): Promise<HttpsAnswer> {
  try {
    return await account.post({ url: challenge.url, payload: {} });
  } catch (error) {
    // A look that ended early may have told it, and some CAs refuse to be told twice.
    if (!(error instanceof Problem) || error.type !== 'malformed') throw error;
    const [now] = await fetchAuthorizations(account, { authorizations: [authorization.url] }, exchange.host);
    const isTold = now?.challenges.some(({ url, status }) => url.href === challenge.url.href && status !== 'pending');
    if (isTold !== true) throw error;
    return { status: error.status, headers: {}, body: Buffer.alloc(0) };
  }
}

/** Returns the error of an invalid order, with the names that failed. */
export async function failedOrder(open: OpenOrder, order: Order): Promise<RenewalError> {
  const authorizations = await fetchAuthorizations(open.account, order, open.exchange.host).catch((error: unknown) => {
    if (error instanceof Problem && !error.retryable) return []; // the order's own error is enough
    throw error;
  });
  return failure(open, order, authorizations);
}

async function failure(
  { exchange, account }: OpenOrder,
  order: Order,
  authorizations: readonly Authorization[],
): Promise<RenewalError> {
  const { ca, host } = exchange;
  const url = await account.url();
  const failed = authorizations.filter(hasFailed);
  const parts = failed.slice(0, mostNames).map((authorization) => {
    const reasons = authorization.challenges.map(({ error }) => error).filter((error) => error !== undefined);
    const shown = reasons.slice(0, mostReasons).map((each) => wordsOf(each));
    const found = shown.length > 0 ? shown.join('; ') : authorization.status;
    return `${quotedName(nameOf(authorization))}: ${found}. ${ca.challenge.adviceFor(authorization, url)}`;
  });
  if (failed.length > parts.length) parts.push(`And ${failed.length - parts.length} more names.`);
  const own = order.error === undefined ? [] : [`The order: ${wordsOf(order.error)}.`];
  const all = [...own, ...parts].join(' ');
  const shown = all.length > longestMessage ? `${all.slice(0, longestMessage)}…` : all;
  return new RenewalError('CaRejected', `The CA at ${host} refused the order. ${shown}`);
}
