/**
 * CAs that speak ACME (RFC 8555): an account with a key in KMS, and orders that take several looks. A look is one call of `ask`. The receipt
 * of an order (receipt.ts) has all that the next look needs, in whatever process.
 */
import { call } from '../../domain/calls.ts';
import { systemRoots } from '../../net/https.ts';
import type { ConversationLimits } from '../conversation.ts';
import type { CaCalls } from '../kind.ts';
import { rootsOf } from '../roots.ts';
import { acmeCa } from './ca.ts';
import type { Acme } from './config.ts';
import { directoryOf, fetchDirectory } from './directory.ts';
import { beginExchange } from './exchange.ts';
import { abandonOrder, lookAtOrder } from './look.ts';
import { placeOrder } from './place.ts';
import { fetchWindow } from './renewal-info.ts';

export type { Acme, AcmeChallenge } from './config.ts';

/**
 * Opens the CA. Throws InvalidRequest for a directory that is not https, an ARN that is not of an ACME endpoint, and roots without a
 * certificate.
 */
export function openAcme(config: Acme, limits: ConversationLimits = {}): CaCalls {
  const ca = acmeCa(config, limits);
  let roots = config.root === undefined ? undefined : rootsOf(config.root).certificates;
  return (tools) => ({
    ask: (request) =>
      call(tools.policy, 'ask', (signal) => {
        const { receipt } = request;
        const look = { ca, tools, signal };
        return receipt === undefined ? placeOrder(look, request) : lookAtOrder(look, { ...request, receipt });
      }),
    roots: async () => {
      roots ??= rootsOf(systemRoots.join('\n')).certificates;
      return roots;
    },
    answers: () =>
      call(tools.policy, 'reach', async (signal) => {
        await fetchDirectory(beginExchange({ ca, tools, signal }));
      }),
    abandon: (receipt) => abandonOrder({ ca, tools }, receipt),
    // A busy CA is not waited for: the next inspection asks again.
    suggestedWindow: (current) =>
      call(tools.policy, 'reach', async (signal) => {
        const exchange = beginExchange({ ca, tools, signal });
        const { renewalInfo } = await directoryOf(exchange);
        return renewalInfo && fetchWindow(exchange, renewalInfo, current.leaf);
      }),
  });
}
