/** Places an order (RFC 8555 section 7.4). */
import { RenewalError } from '../../domain/errors.ts';
import type { CaAnswer, CaRequest } from '../../domain/ports.ts';
import { quote } from '../../domain/quote.ts';
import type { DeclaredContent } from '../../domain/wanted.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { quoted } from '../ca-answer.ts';
import { askedFor } from '../request.ts';
import { type Account, accountAt, accountKey } from './account.ts';
import type { Directory } from './ca.ts';
import { directoryOf } from './directory.ts';
import { beginExchange, type Look } from './exchange.ts';
import { requiredUrl } from './fields.ts';
import { limitPause } from './pauses.ts';
import { isWaiting, Problem } from './problems.ts';
import { keyHash, sealOrder, writeReceipt } from './receipt.ts';
import { certificateId } from './renewal-info.ts';

interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** Places the order of a declared certificate, and nothing more. Throws what CaProvider.ask throws. */
export async function placeOrder(look: Look, request: CaRequest): Promise<CaAnswer> {
  const asked = askedFor(request);
  if (asked.kind !== 'issue') {
    throw new RenewalError('NotDeclared', 'A CA of type acme issues declared certificates only: declare this one.');
  }
  const identifiers = identifiersOf(asked.content);
  look.ca.challenge.checkNames(asked.content.names);
  const signer = await accountKey(look);
  const exchange = beginExchange(look);
  const { ca, tools, host } = exchange;
  try {
    const directory = await directoryOf(exchange);
    const account = accountAt(exchange, signer);
    const details = { identifiers, ...profileOf(ca.config.acmeProfile, directory, host) };
    const answer = await sendOrder(account, directory, details, request);
    const order = requiredUrl(answer.headers.location, 'the Location of the order', host);
    const placed = { order, key: keyHash(asked.key.spki), zones: {} };
    const receipt = writeReceipt({
      ...placed,
      account: await account.url(),
      seal: await sealOrder({ ...placed, directory: ca.address }, signer),
      placedAt: tools.clock.now(),
    });
    return { kind: 'pending', receipt, after: 0, says: 'the order is placed' };
  } catch (error) {
    if (!isWaiting(error)) throw error;
    return { kind: 'pending', receipt: undefined, ...limitPause(error.retryAfter, tools.clock.now()) };
  }
}

/** Throws InvalidRequest for a name that no ACME CA certifies here. */
function identifiersOf({ names }: DeclaredContent): readonly Identifier[] {
  return [...new Set(names)].map((name) => {
    const [, type, value] = /^(dns|ip):(.+)$/.exec(name) ?? [];
    if (value !== undefined && (type === 'dns' || type === 'ip')) return { type, value };
    throw new RenewalError(
      'InvalidRequest',
      `A CA of type acme certifies DNS names and IP addresses, not ${quote(name)}: correct the declaration.`,
    );
  });
}

function profileOf(wanted: string | undefined, { profiles }: Directory, host: string): { profile?: string } {
  if (wanted === undefined) return {};
  if (profiles?.includes(wanted)) return { profile: wanted };
  const has = profiles === undefined ? 'has none' : `has ${quoted(profiles.join(', '))}`;
  throw new RenewalError(
    'CaRejected',
    `The CA at ${host} has no profile ${quote(wanted)}, it ${has}: correct acmeProfile in the ca of the profile.`,
  );
}

/** Says what the order replaces, and orders again without that if the CA refuses it (RFC 9773 section 5). */
async function sendOrder(
  account: Account,
  { newOrder, renewalInfo }: Directory,
  details: { readonly identifiers: readonly Identifier[]; readonly profile?: string },
  { replaced, current }: Pick<CaRequest, 'replaced' | 'current'>,
): Promise<HttpsAnswer> {
  const before = replaced ?? current?.leaf;
  const replaces = renewalInfo && before && certificateId(before);
  if (replaces === undefined) return account.post({ url: newOrder, payload: { ...details } });
  try {
    return await account.post({ url: newOrder, payload: { ...details, replaces } });
  } catch (error) {
    if (!(error instanceof Problem) || error.retryable || error.type === 'badNonce') throw error;
    return account.post({ url: newOrder, payload: { ...details } });
  }
}
