/** Nonces of a CA (RFC 8555 section 6.5). Each answer brings one, which the next request uses. */
import type { HttpsAnswer } from '../../net/https.ts';

export interface Nonces {
  /** Returns the newest nonce, for one use. Old ones may have expired while the process was frozen. */
  take(): string | undefined;
  /** Keeps the nonce of an answer, if it has one. */
  keep(answer: Pick<HttpsAnswer, 'headers'>): void;
}

const most = 64;

export function noncePool(): Nonces {
  const nonces: string[] = [];
  return {
    take: () => nonces.pop(),
    keep: ({ headers }) => {
      const nonce = headers['replay-nonce'];
      // Section 6.5.1: anything else than base64url must be ignored.
      if (typeof nonce !== 'string' || !/^[\w-]{1,1000}$/.test(nonce)) return;
      nonces.push(nonce);
      if (nonces.length > most) nonces.shift();
    },
  };
}
